/// The manual of the configuration, written from the option table.
public enum Reference {
  /// Markdown: `docs/reference.md`.
  public static func markdown() -> String {
    var out = """
      # Configuration reference

      Written by `ebbd reference`; `Config/ebbd.yaml` holds every option with its default and is its own manual. \
      An option that the file does not set has its default, and an empty file is a valid one. `ebbd validate` \
      reports every finding of a file at once.

      Spans of time are a whole number and one unit: `500ms`, `90s`, `30m`, `24h`, `7d`. A change takes effect \
      on reload or needs a restart, as each table says. Options marked * decide results for \
      users. They, the text of the mapping and, with quiet hours, the time-zone data make up `config_version`, \
      which every alert carries.

      """
    var group: String?
    for option in OptionTable.all {
      let own = OptionTable.group(of: option.path)
      if own != group {
        group = own
        out += "\n## \(own.isEmpty ? heading(option) : own)\n\n"
        let reason = own.isEmpty ? "Options outside any group." : OptionTable.reason(own)
        out += "\(reason)\n\n| option | default | value | change | |\n|---|---|---|---|---|\n"
      }
      let bounds = option.bounds.isEmpty ? "" : "; \(option.bounds)"
      let mark = option.decidesResults ? " *" : ""
      out += "| `\(option.path)`\(mark) | `\(option.defaultText)` | \(cell(option.type + bounds)) | "
      out += "\(option.application.rawValue) | \(cell(option.reason)) |\n"
    }
    return out + "\n" + kafkaProperties()
  }

  private static func heading(_ option: Option) -> String {
    option.path == "windows" ? "windows" : "at the top"
  }

  private static func cell(_ text: String) -> String {
    text.replacing("|", with: "\\|")
  }

  private static func kafkaProperties() -> String {
    var out = """
      ## librdkafka properties that are refused

      Every other property may be passed through by `kafka.properties`. Names of callbacks are refused too.

      | property | allowed | why |
      |---|---|---|

      """
    for refusal in KafkaProperties.refusals {
      let names = refusal.names.map { "`\($0)`" }.joined(separator: ", ")
      let allowed = refusal.unless.isEmpty ? "nothing" : refusal.unless
      out += "| \(names) | \(allowed) | \(cell(refusal.why)) |\n"
    }
    let secrets = KafkaProperties.secretNames.map { "`\($0)`" }.joined(separator: ", ")
    return out + """
      | \(secrets) | by `kafka.secrets` only | a secret does not stand in this file: `{file: /path}` or \
      `{credential: name}` |

      """
  }

  /// `configuration` as a file with every option and its comment; of the defaults, `Config/ebbd.yaml`.
  public static func yaml(_ configuration: Configuration = .defaults) -> String {
    var out = """
      # Ebb's configuration, and its own manual: every option with its unit, its default and the reason for it.
      # What is left out has its default; an empty file is valid. `ebbd validate --config FILE` reports every
      # finding at once. Spans of time are a whole number and a unit: 500ms, 90s, 30m, 24h, 7d.
      # In brackets: kind of value and bounds; default; whether a change takes effect on reload or needs a restart.

      """
    var open: [String] = []
    for option in OptionTable.all {
      let path = option.path.split(separator: ".").map(String.init)
      let groups = Array(path.dropLast())
      if groups != open || groups.isEmpty { out += "\n" }
      for depth in groups.indices where !open.starts(with: groups[...depth]) {
        let indent = String(repeating: "  ", count: depth)
        out += comment(OptionTable.reason(groups[...depth].joined(separator: ".")), indent)
        out += "\(indent)\(groups[depth]):\n"
      }
      open = groups
      let indent = String(repeating: "  ", count: groups.count)
      for paragraph in text(option) { out += comment(paragraph, indent) }
      out += "\(indent)\(path.last ?? ""): \(option.show(configuration))\n"
    }
    return out
  }

  /// Reason, then kind with unit and bounds, default, and what a change needs.
  static func text(_ option: Option) -> [String] {
    let bounds = option.bounds.isEmpty ? "" : ", \(option.bounds)"
    let facts = "[\(option.type)\(bounds); default \(option.defaultText); \(option.application.rawValue)]"
    return [option.reason, facts].map { $0.replacing("`", with: "") }
  }

  private static func comment(_ text: String, _ indent: String) -> String {
    var lines = ["\(indent)#"]
    for word in text.split(separator: " ") {
      if lines[lines.count - 1].count + 1 + word.count > 108 { lines.append("\(indent)#") }
      lines[lines.count - 1] += " \(word)"
    }
    return lines.map { "\($0)\n" }.joined()
  }
}

extension OptionTable {
  static func reason(_ group: String) -> String {
    groups.first { $0.path == group }?.reason ?? ""
  }
}
