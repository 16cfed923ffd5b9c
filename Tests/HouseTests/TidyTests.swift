import Foundation
import TestSupport
import Testing
import Yams

/// What keeps the house in order, beside the table of its modules.
@Suite struct TidyTests {
  /// The style asks for about 400.
  static let maximumLines = 420

  @Test func `No source file is longer than a person reads`() {
    let code = House.paths.filter { path in
      (path.hasPrefix("Sources/") || path.hasPrefix("Tests/"))
        && [".swift", ".cpp", ".h", ".c", ".py"].contains { path.hasSuffix($0) }
    }
    #expect(code.count > 20, "the house was not found at \(House.root)")
    for file in code.compactMap(House.read) {
      #expect(file.lineCount <= Self.maximumLines, "\(file.path) has \(file.lineCount) lines: split it")
    }
  }

  @Test func `Tests are written in Swift Testing`() {
    for file in House.swiftFiles(under: "Tests") {
      #expect(!file.imports.contains("XCTest"), "\(file.path) imports XCTest")
    }
  }

  @Test func `Nothing names a place on somebody's machine`() {
    // Put together here, so that this file does not name them either.
    let places = ["work", "root"].map { "/" + $0 + "/" }
    for file in House.paths.compactMap(House.read) {
      for place in places {
        #expect(!file.text.contains(place), "\(file.path) speaks of \(place)…")
      }
    }
  }

  @Test func `Every file of the configuration can be read`() throws {
    for path in House.paths where path.hasPrefix("Config/") {
      let file = try #require(House.read(path), "\(path) is not text")
      do {
        if path.hasSuffix(".yaml") {
          for document in try Yams.load_all(yaml: file.text) { _ = document }
        } else if path.hasSuffix(".json") {
          _ = try JSONSerialization.jsonObject(with: Data(file.text.utf8))
        }
      } catch {
        Issue.record("\(path): \(error)")
      }
    }
  }

  @Test(arguments: [
    "scripts/setup.sh", "scripts/test.sh", "scripts/deb.sh", "scripts/test-deb.sh",
    "scripts/test-deb-inside.sh",
    "systemd/ebb-backoff", "packaging/postinst", "packaging/prerm", "packaging/postrm", ".ci/run",
  ])
  func `A script can be run and has no fault of syntax`(path: String) async throws {
    let full = House.root + "/" + path
    #expect(FileManager.default.isExecutableFile(atPath: full), "\(path) is not executable")
    let isPlain = House.read(path)?.text.hasPrefix("#!/bin/sh") == true
    let checked = try await run(isPlain ? "/bin/sh" : "/bin/bash", ["-n", full])
    #expect(checked.status == 0, "\(checked.error)")
  }
}
