import Foundation
import TestSupport
import Testing
import Triggers

@testable import Settings

/// The file, the reference and the table say the same.
@Suite struct ManualTests {
  private func repository(_ path: String) throws -> String {
    try String(contentsOfFile: Binaries.packageRoot + "/" + path, encoding: .utf8)
  }

  @Test func `The checked-in file is the one that the table writes`() throws {
    #expect(
      try repository("Config/ebbd.yaml") == Reference.yaml(),
      "run `ebbd reference --yaml > Config/ebbd.yaml`")
  }

  @Test func `The checked-in reference is the one that the table writes`() throws {
    #expect(
      try repository("docs/reference.md") == Reference.markdown(), "run `ebbd reference > docs/reference.md`")
  }

  @Test(arguments: ["", "# nothing\n", "---\n", "cart:\n", "~\n"])
  func `An empty file means the defaults`(text: String) throws {
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    #expect(configuration == Configuration.defaults)
    #expect(findings.allSatisfy { $0.severity == .note })
  }

  @Test func `The checked-in file means the defaults`() throws {
    let (configuration, _) = Configuration.parse(text: try repository("Config/ebbd.yaml"), file: "f")
    #expect(configuration == Configuration.defaults)
    #expect(configuration?.rules == Rules())
  }

  @Test(arguments: OptionTable.all.map(\.path))
  func `Every option stands in the file and in the reference with unit, default and reason`(path: String)
    throws
  {
    let option = try #require(OptionTable.byPath[path])
    #expect(!option.reason.isEmpty && !option.type.isEmpty)
    let name = String(path.split(separator: ".").last!)
    let lines = Reference.yaml().split(separator: "\n").map { $0.drop { $0 == " " } }
    #expect(lines.contains { $0 == "\(name): \(option.defaultText)" })
    // Comments are wrapped: compare them as running text.
    let running = lines.map { $0.drop { $0 == "#" || $0 == " " } }.joined(separator: " ")
    for paragraph in Reference.text(option) { #expect(running.contains(paragraph)) }
    #expect(Reference.markdown().contains("| `\(path)`"))
  }

  @Test func `Every group is explained, and holds an option`() {
    let used = Set(OptionTable.all.map { OptionTable.group(of: $0.path) }).subtracting([""])
    #expect(used == Set(OptionTable.groups.map(\.path)))
  }

  @Test(arguments: [
    ("", 11), ("churn: {min_active_days: 1}", 9), ("churn: {min_active_days: 2}", 9),
    ("churn: {min_active_days: 5}", 12), ("churn: {recent: 14d}", 18), ("churn: {evaluate_every: 48h}", 12),
  ])
  func `The first possible churn warning is told for the configuration at hand`(text: String, days: Int)
    throws
  {
    let findings = Configuration.parse(text: text, file: "f").1
    let note = try #require(findings.first { $0.severity == .note })
    #expect(note.message.hasPrefix("nobody can be warned of churn in the first \(days) days of data"))
  }

  @Test func `With churn off there is no note about it`() {
    #expect(Configuration.parse(text: "churn: {enabled: off}", file: "f").1.isEmpty)
  }
}
