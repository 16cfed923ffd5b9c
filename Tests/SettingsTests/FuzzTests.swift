import TestSupport
import Testing

@testable import Settings

@Suite struct FuzzTests {
  /// Pieces that mean something to YAML or to us.
  private static let pieces =
    [
      ":", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "#", "\"", "'", "&a ", "*a", "!!str ", "|\n",
      ">", "? ", "---\n",
      "...\n", "%YAML 1.1\n", "\t", "<<: *a", "\u{0}", "\u{E000}", "\u{FEFF}", "\u{85}", "\r\n", "é", "🛒",
      "~", "off", "30m", "-1",
      "99999999999999999999d", "1e999", "{file: /x}", "EUR",
    ] + OptionTable.all.flatMap { $0.path.split(separator: ".").map(String.init) }

  @Test func `Whatever a file holds, it is judged, and refused only with a reason`() {
    var random = SeededGenerator(announcedAs: "files")
    let valid = Array(Reference.yaml().unicodeScalars)
    var accepted = 0
    for round in 0..<1500 {
      let text: String
      if round % 2 == 0 {
        let count = Int.random(in: 0...40, using: &random)
        text = (0..<count).map { _ in Self.pieces.randomElement(using: &random)! }.joined()
      } else {
        var scalars = valid
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          let start = Int.random(in: 0..<scalars.count, using: &random)
          let end = min(scalars.count, start + Int.random(in: 0...20, using: &random))
          let piece = Self.pieces.randomElement(using: &random)!
          scalars.replaceSubrange(start..<end, with: Array(piece.unicodeScalars))
        }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        text = String(view)
      }
      let (configuration, findings) = Configuration.parse(text: text, file: "f")
      #expect((configuration == nil) == findings.contains { $0.severity == .error }, "\(text)")
      for finding in findings {
        #expect(finding.line >= 1 && finding.column >= 1)
        #expect(!finding.message.contains("\n") && !finding.message.contains("\u{0}"), "\(finding)")
      }
      accepted += configuration == nil ? 0 : 1
    }
    #expect(accepted > 20)
  }

  @Test(arguments: ["[", "{a: ", "- ", "? "])
  func `A file nested beyond any sense is refused`(piece: String) {
    let text = String(repeating: piece, count: 100_000)
    #expect(Configuration.parse(text: text, file: "f").0 == nil)
  }

  @Test func `A file too long to be ours is refused`() {
    let (configuration, findings) = Configuration.parse(
      text: String(repeating: "# \n", count: 100_000), file: "f")
    #expect(configuration == nil)
    #expect(findings.first?.message == "the file has 300000 bytes; at most 262144 are read")
  }
}
