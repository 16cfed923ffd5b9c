import Foundation
import TestSupport
import Testing

/// The units of systemd, and what the package makes of the program's help. The package itself is tested in a Debian of
/// its own: `make test-deb`.
@Suite struct UnitTests {
  static let units = ["ebbd.service", "ebbd@.service"]

  @Test(arguments: units)
  func `A unit is exposed no more than 1.5 of 10`(unit: String) async throws {
    guard let analyze = Binaries.tool("systemd-analyze") else {
      return print("SKIPPED: the exposure of \(unit): there is no systemd-analyze on this machine")
    }
    let judged = try await run(
      analyze, ["security", "--offline=true", "--no-pager", House.root + "/systemd/" + unit])
    let exposure = try #require(
      judged.output.firstMatch(of: /Overall exposure level for [^:]*: ([0-9.]+)/)?.1, "\(judged.error)")
    #expect(try #require(Double(exposure)) <= 1.5, "\(judged.output)")
  }

  @Test(arguments: units)
  func `A unit is one that systemd accepts`(unit: String) async throws {
    guard let analyze = Binaries.tool("systemd-analyze") else {
      return print("SKIPPED: the check of \(unit): there is no systemd-analyze on this machine")
    }
    let checked = try await run(analyze, ["verify", House.root + "/systemd/" + unit])
    // Neither program nor manual need be installed here; nothing is left out where they are (`make test-deb`).
    let complaints = checked.error.split(separator: "\n").filter {
      $0.contains("ebbd") && !$0.contains("is not executable: No such file or directory")
        && !$0.contains("Command 'man ")
    }
    #expect(complaints.isEmpty, "\(complaints.joined(separator: "\n"))")
  }

  @Test func `The template is the unit with the instance's name where it must be`() throws {
    func settings(_ unit: String) throws -> [String] {
      try #require(House.read("systemd/" + unit)).text.split(separator: "\n").map(String.init)
        .filter { !$0.hasPrefix("#") }
    }
    let plain = try settings("ebbd.service")
    let template = try settings("ebbd@.service")
    let own = "Environment=EBB_INSTANCE=%H-%i"
    #expect(template.contains(own))
    let named = template.filter { $0 != own }.map { line in
      line.replacing("/etc/ebb/%i.yaml", with: "/etc/ebb/ebbd.yaml").replacing("Ebb (%i)", with: "Ebb")
        .replacing("ebb-%i", with: "ebb")
    }
    #expect(named == plain)
    // What two of them would write must carry the name.
    let directories = ["StateDirectory=ebb-%i", "RuntimeDirectory=ebb-%i", "WorkingDirectory=%S/ebb-%i"]
    for directory in directories { #expect(template.contains(directory)) }
  }

  @Test func `Failures in a row are waited for twice as long each time, up to a minute`() async throws {
    try await withTemporaryDirectory { directory in
      // In the place of sleep, one that tells of every second that it is asked for.
      let sleep = directory + "/sleep"
      try Data("#!/bin/sh\necho \"slept $1\"\n".utf8).write(to: URL(filePath: sleep))
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: sleep)
      func backoff(_ what: String, _ result: String = "exit-code") async throws -> Int {
        let ended = try await run(
          House.root + "/systemd/ebb-backoff", [what],
          environment: [
            "RUNTIME_DIRECTORY": directory, "SERVICE_RESULT": result, "PATH": "\(directory):/usr/bin:/bin",
          ])
        #expect(ended.status == 0, "\(ended.error)")
        return ended.output.split(separator: "\n").count { $0 == "slept 1" }
      }
      #expect(try await backoff("wait") == 0, "a first start waits for nothing")
      var waits: [Int] = []
      for _ in 1...9 {
        _ = try await backoff("count")
        waits.append(try await backoff("wait"))
      }
      #expect(waits == [0, 2, 4, 8, 16, 32, 60, 60, 60])

      _ = try await backoff("count", "success")
      #expect(try await backoff("wait") == 0, "it was stopped, so it has not failed")

      try Data("7\n".utf8).write(to: URL(filePath: directory + "/failures"))
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSinceNow: -720)], ofItemAtPath: directory + "/failures")
      _ = try await backoff("count")
      #expect(try await backoff("wait") == 0, "the failure before it is long ago")

      try Data("x y\n".utf8).write(to: URL(filePath: directory + "/failures"))
      #expect(try await backoff("wait") == 0, "a file that says nothing is no reason to wait")
    }
  }

  @Test func `Whoever stops a start that waits does not wait with it`() async throws {
    try await withTemporaryDirectory { directory in
      try Data("9\n".utf8).write(to: URL(filePath: directory + "/failures"))
      // Threads of this process block signals, and a child would inherit that; systemd's children block none.
      let unblocked =
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_SETMASK, []); os.execv(sys.argv[1], sys.argv[1:])"
      let process = try RunningProcess(
        Binaries.python, ["-c", unblocked, House.root + "/systemd/ebb-backoff", "wait"],
        environment: ["RUNTIME_DIRECTORY": directory])
      try await process.wait(for: .output, containing: "waits 60 s")
      try await Task.sleep(for: .milliseconds(200))
      let done = try await process.stop()
      #expect(done.status == 0, "a start that was told to stop is no failure")
      #expect(done.elapsed < .seconds(30))
    }
  }

  @Test func `Every command and every option stands in the manual pages, and they are well-formed`()
    async throws
  {
    let ebbd = try Binaries.path(of: "ebbd")
    try await withTemporaryDirectory { directory in
      let made = try await run(Binaries.python, [House.root + "/scripts/man.py", ebbd, directory])
      #expect(made.status == 0, "\(made.error)")
      let first = try String(contentsOfFile: directory + "/ebbd.1", encoding: .utf8)
        .replacing("\\-", with: "-")
      let help = try await run(ebbd, ["--experimental-dump-help"])
      let dump = try #require(
        try JSONSerialization.jsonObject(with: Data(help.output.utf8)) as? [String: Any])
      let root = try #require(dump["command"] as? [String: Any])
      var commands = 0
      func look(_ command: [String: Any], _ title: String) throws {
        guard command["shouldDisplay"] as? Bool == true, title != "ebbd help" else { return }
        if title != "ebbd" {
          #expect(first.contains("\n.SS \(title)\n"), "\(title) is not in ebbd(1)")
          commands += 1
        }
        for argument in command["arguments"] as? [[String: Any]] ?? [] {
          for name in argument["names"] as? [[String: Any]] ?? [] where name["kind"] as? String == "long" {
            let option = try #require(name["name"] as? String)
            #expect(first.contains("--\(option)"), "--\(option) of \(title) is not in ebbd(1)")
          }
        }
        for below in command["subcommands"] as? [[String: Any]] ?? [] {
          try look(below, "\(title) \(try #require(below["commandName"] as? String))")
        }
      }
      try look(root, "ebbd")
      #expect(commands >= 10)

      let fifth = try String(contentsOfFile: directory + "/ebbd.yaml.5", encoding: .utf8)
        .replacing("\\-", with: "-")
      let reference = try #require(House.read("docs/reference.md")).text
      let options = reference.split(separator: "\n").compactMap {
        $0.firstMatch(of: #/^\| `([a-z_.]+)` /#)?.1
      }
      #expect(options.count > 60)
      for option in options {
        #expect(fifth.contains("\\fB\(option)\\fR"), "\(option) is not in ebbd.yaml(5)")
      }

      guard let man = Binaries.tool("man") else {
        return print("SKIPPED: how the manual pages read: there is no man on this machine")
      }
      for page in ["ebbd.1", "ebbd.yaml.5"] {
        let read = try await run(
          man, ["--warnings", "-E", "UTF-8", "-l", "\(directory)/\(page)"],
          environment: ["MANWIDTH": "100", "MANROFFSEQ": ""])
        #expect(read.status == 0 && read.error.isEmpty, "\(page): \(read.error)")
        #expect(read.output.contains("NAME"))
      }
    }
  }
}
