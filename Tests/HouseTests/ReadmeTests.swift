import Foundation
import TestSupport
import Testing

/// The README's examples are what the program prints.
@Suite struct ReadmeTests {
  @Test func `Every example alert in the README is what replay prints of the example files`() async throws {
    let root = House.root
    var printed: [NSDictionary] = []
    for file in ["carts", "drift"] {
      let finished = try await run(
        Binaries.path(of: "ebbd"),
        [
          "replay", "--config", "\(root)/docs/examples/one-window.yaml", "--until", "end",
          "\(root)/docs/examples/\(file).ndjson",
        ], environment: ["EBB_MAPPINGS": "\(root)/Config/mappings"])
      #expect(finished.status == 0, "\(finished.error)")
      for line in finished.output.split(separator: "\n") {
        printed.append(try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? NSDictionary))
      }
    }
    let readme = try #require(House.read("README.md")).text
    let blocks = readme.components(separatedBy: "```json\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0]
    }
    #expect(blocks.count == 5, "one example for each type of alert")
    for block in blocks {
      let example = try #require(try JSONSerialization.jsonObject(with: Data(block.utf8)) as? NSDictionary)
      #expect(printed.contains(example), "not what the program prints: \(example["type"] ?? "?")")
    }
  }
}
