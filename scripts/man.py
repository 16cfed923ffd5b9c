#!/usr/bin/env python3
"""Writes the manual pages ebbd(1) and ebbd.yaml(5) from what the program says of itself.

    man.py EBBD DIRECTORY      (SOURCE_DATE_EPOCH dates them)

ebbd(1) is made of the help of every command, ebbd.yaml(5) of `ebbd reference`; only what neither knows (signals,
files, the environment) is written here. Called by deb.sh.
"""
import datetime
import json
import os
import re
import subprocess
import sys

SIGNALS = [
    ("SIGTERM, SIGINT", "finish what is in hand, commit and leave; a second one leaves at once. Nothing is lost either way."),
    ("SIGHUP", "read the configuration again, as `systemctl reload ebbd` does, and apply what takes no restart. A file with an "
     "error changes nothing, and the log says so."),
]
STATUSES = [
    ("0", "done; for `ebbd run`: it was told to stop, and has."),
    ("1", "it could not be done; the last line on standard error says why and what helps."),
    ("2", "`ebbd validate`: the file cannot be read."),
    ("64", "a command or an option that does not exist, or a value that does not fit."),
]
FILES = [
    ("/etc/ebb/ebbd.yaml", "the configuration, see ebbd.yaml(5). /etc/ebb/NAME.yaml is that of ebbd@NAME.service."),
    ("/usr/share/ebb/mappings", "the presets that `input.mapping` names, to copy and change for records of your own."),
    ("/usr/share/ebb/schemas", "JSON Schemas of the alerts and dead letters, and an AsyncAPI document."),
    ("/var/lib/ebb, /var/lib/ebb-NAME", "snapshots of state, which shorten a restart. Never needed: the state topic has all of it."),
    ("/etc/credstore", "where the units look for secrets: ebb-sasl-password, ebb-ssl-key, ebb-ssl-key-password and "
     "ebb-http-token, for ebbd@NAME.service ebb-NAME-sasl-password and so on. Each is read by {credential: ITS NAME}."),
    ("/usr/share/doc/ebb", "README.md, what survives a crash (docs/state.md), every corner case, examples to replay."),
]
ENVIRONMENT = [
    ("EBB_MAPPINGS", "a directory in which presets are looked for first."),
    ("EBB_INSTANCE", "what `kafka.instance: auto` stands for, instead of the host's name; ebbd@.service sets it."),
    ("CREDENTIALS_DIRECTORY", "where {credential: NAME} is read; systemd sets it for a service. Before a command by hand: "
     "CREDENTIALS_DIRECTORY=/etc/credstore."),
    ("STATE_DIRECTORY", "set by systemd: the directory that the service may write; `ebbd validate` holds state.directory to it."),
    ("NOTIFY_SOCKET, WATCHDOG_USEC", "set by systemd, which is told by them how the daemon is."),
]


def text(words):
    """Running text, safe for roff; `code` is bold."""
    words = words.replace("\\", "\\e").replace("-", "\\-")
    words = re.sub(r"`([^`]*)`", lambda code: "\\fB" + code.group(1) + "\\fR", words)
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in words.split("\n"))


def listed(pairs):
    return [line for name, words in pairs for line in (".TP", ".B " + text(name), text(words))]


def page(name, section, lines):
    date = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc).strftime("%Y\\-%m\\-%d")
    head = [".\\\" Written by scripts/man.py from the program's own help.",
            f'.TH {text(name)} {section} {date} "Ebb" "Ebb"', ".nh", ".ad l"]
    return "\n".join(head + lines) + "\n"


def names(argument):
    """--config, -c"""
    dashes = {"long": "--", "short": "-", "longWithSingleDash": "-"}
    written = sorted((dashes[name["kind"]] + name["name"] for name in argument.get("names", [])), key=lambda n: -len(n))
    return ", ".join(written)


def usage(command, title):
    words = []
    for argument in shown(command):
        if argument["kind"] == "positional":
            word = f"<{argument['valueName']}>" + (" ..." if argument["isRepeating"] else "")
        else:
            word = names(argument).split(", ")[0]
            if argument["kind"] == "option":
                word += f" <{argument['valueName']}>"
        words.append(f"[{word}]" if argument["isOptional"] else word)
    return f"\\fB{text(title)}\\fR {text(' '.join(words))}".rstrip()


def shown(command):
    """The arguments of a command, without those that every command has."""
    return [a for a in command.get("arguments", []) if a["shouldDisplay"] and a["valueName"] not in ("help", "version")]


def options(arguments):
    lines = []
    for argument in arguments:
        value = f"<{argument['valueName']}>"
        if argument["kind"] == "positional":
            name = value
        else:
            name = names(argument) + (f" {value}" if argument["kind"] == "option" else "")
        words = argument.get("abstract", "")
        if "allValues" in argument:
            words += f" One of {', '.join(argument['allValues'])}."
        if "defaultValue" in argument:
            words += f" Default: {argument['defaultValue']}."
        lines += [".TP", ".B " + text(name), text(words)]
    return lines


def commands(command, title):
    """The command and what stands below it, those that are hidden left out."""
    below = [c for c in command.get("subcommands", []) if c["shouldDisplay"] and c["commandName"] != "help"]
    lines = []
    if title != "ebbd":
        lines.append(f".SS {text(title)}")
        if not below:
            lines += [usage(command, title), ".PP"]
        lines.append(text(command.get("abstract", "")))
        if command.get("discussion"):
            lines += [".PP", text(command["discussion"])]
        lines += options(shown(command))
    for one in below:
        lines += commands(one, f"{title} {one['commandName']}")
    return lines


def ebbd(program):
    command = json.loads(said(program, "--experimental-dump-help"))["command"]
    own = [a for a in command["arguments"] if a["shouldDisplay"]]
    lines = [".SH NAME", "ebbd \\- cart and churn alerts from a shop's clickstream in Kafka", ".SH SYNOPSIS",
             ".B ebbd", "<command> [<options>]", ".SH DESCRIPTION", text(command["abstract"]), ".PP",
             text("It keeps a small portrait of every user in memory, and writes an event to a topic of alerts when a user "
                  "leaves a filled cart behind, or begins to drift away compared with his own past."), ".PP",
             text("As a service: set the brokers, the input topic and its mapping in /etc/ebb/ebbd.yaml; `ebbd validate`; "
                  "`ebbd topics --create`; `systemctl enable --now ebbd`; `journalctl -u ebbd` tells how it goes."),
             ".SH COMMANDS"]
    lines += commands(command, "ebbd")
    lines += [".SH OPTIONS OF EVERY COMMAND"] + options(own)
    for title, pairs in [("SIGNALS", SIGNALS), ("EXIT STATUS", STATUSES), ("FILES", FILES), ("ENVIRONMENT", ENVIRONMENT)]:
        lines += [f".SH {title}"] + listed(pairs)
    return page("EBBD", 1, lines + [".SH SEE ALSO", text("ebbd.yaml(5), systemctl(1), journalctl(1)")])


def ebbd_yaml(program):
    """The reference: its headings, sentences and tables of options. Its introduction speaks of itself as a file."""
    lines = [".SH NAME", "ebbd.yaml \\- configuration of ebbd", ".SH DESCRIPTION",
             text("What the file does not set has its default, and an empty file is a valid one. /etc/ebb/ebbd.yaml as "
                  "installed holds every option with its default. `ebbd validate` reports every finding at once."), ".PP",
             text("Spans of time are a whole number and one unit: `500ms`, `90s`, `30m`, `24h`, `7d`. In brackets: the "
                  "default, what may be written, and whether a change takes effect on reload or needs a restart. Options "
                  "marked * decide results for users; with the text of the mapping they are named by the `config_version` "
                  "that every alert carries.")]
    reference = said(program, "reference")
    for line in reference[reference.index("\n## ") + 1:].splitlines():
        if line.startswith("## "):
            lines.append(f".SH {text(line[3:]).upper()}")
        elif line.startswith("| `"):
            name, *values = (cell.strip() for cell in cells(line))
            if len(values) == 4:
                default, kind, change, why = values
                facts = f"[{kind}; default {default}; {change}]"
            else:
                allowed, why = values
                facts = f"[allowed: {allowed}]"
            lines += [".TP", text(name), text(why), ".br", text(facts)]
        elif line and not line.startswith("|"):
            lines += [".PP", text(line)]
    return page("EBBD.YAML", 5, lines + [".SH SEE ALSO", "ebbd(1)"])


def cells(row):
    """The cells of a row of a table; a bar within code or behind a backslash is none of its."""
    return [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


def said(program, *arguments):
    return subprocess.run([program, *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: man.py EBBD DIRECTORY")
    program, directory = sys.argv[1:]
    for name, write in [("ebbd.1", ebbd), ("ebbd.yaml.5", ebbd_yaml)]:
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(write(program))


main()
