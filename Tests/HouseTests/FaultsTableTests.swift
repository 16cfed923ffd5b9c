import Foundation
import TestSupport
import Testing

/// The table of faults names tests that there are.
@Suite struct FaultsTableTests {
  @Test func `Every test that the table of faults names exists`() throws {
    let table = try String(contentsOfFile: Binaries.packageRoot + "/docs/faults.md", encoding: .utf8)
    var tests: Set<String> = []
    let files =
      FileManager.default.enumerator(atPath: Binaries.packageRoot + "/Tests")?.compactMap { $0 as? String }
      ?? []
    for file in files where file.hasSuffix(".swift") {
      let source = try String(contentsOfFile: Binaries.packageRoot + "/Tests/" + file, encoding: .utf8)
      for match in source.matches(of: /func `([^`]+)`\(/) { tests.insert(String(match.output.1)) }
    }
    var named = 0
    for line in table.split(separator: "\n") where line.hasPrefix("| ") && !line.hasPrefix("| what") {
      let cells = line.split(separator: "|")
      try #require(cells.count == 3, "\(line)")
      if cells[2].contains("not tested") { continue }
      let names = cells[2].matches(of: /`([^`]+)`/).map { String($0.output.1) }
      #expect(!names.isEmpty, "no test: \(line)")
      for name in names {
        named += 1
        #expect(tests.contains(name), "there is no test \(name)")
      }
    }
    #expect(named > 40)
  }
}
