import Foundation
import TestSupport
import Testing

@testable import Settings

/// The commands as an operator meets them.
@Suite struct CommandTests {
  private func file(_ text: String) throws -> String {
    let path = FileManager.default.temporaryDirectory.appending(path: "ebb-\(UUID().uuidString).yaml").path
    try Data(text.utf8).write(to: URL(filePath: path))
    return path
  }

  private func ebbd(_ arguments: String...) async throws -> RunningProcess.Finished {
    try await run(Binaries.path(of: "ebbd"), arguments)
  }

  @Test func `validate says ok of the checked-in file and ends with 0`() async throws {
    let ended = try await ebbd("validate", "--config", Binaries.packageRoot + "/Config/ebbd.yaml")
    #expect(ended.status == 0, "\(ended.error)")
    #expect(ended.output.hasSuffix("\nok\n"))
    #expect(ended.output.contains("note: nobody can be warned of churn in the first 11 days of data"))
  }

  @Test func `validate tells every finding with its place, sums up and ends with 1`() async throws {
    let path = try file("cart:\n  stpes: [1h]\nlanes: none\nwindows: {a: 24h, b: 24h}\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let ended = try await ebbd("validate", "--config", path)
    #expect(ended.status == 1)
    #expect(
      ended.output == """
        \(path):2:3: error: unknown option 'cart.stpes'; did you mean 'cart.steps'?
        \(path):3:8: error: lanes: 'none' is not a whole number; write 1 to 256
        \(path):4:22: warning: windows.b has the same length as windows.a, so its sums are the same; remove one
        2 errors, 1 warning

        """)
  }

  @Test func `validate asks the library about properties that it passes through`() async throws {
    let path = try file("kafka:\n  properties:\n    linger.ms: 20\n    fetch.max.bites: 5\n    acks: 1\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let first = try await ebbd("validate", "--config", path)
    #expect(first.status == 1 && first.output.contains(":5:5: error: kafka.properties: acks "))
    try Data("kafka:\n  properties:\n    linger.ms: 20\n    fetch.max.bites: 5\n".utf8).write(
      to: URL(filePath: path))
    let second = try await ebbd("validate", "--config", path)
    #expect(second.status == 1)
    #expect(second.output.contains("\(path):4:22: error: kafka.properties: "), "\(second.output)")
    #expect(second.output.contains("fetch.max.bites"))
  }

  @Test func `validate refuses a state directory that the service may not write, and names its own`()
    async throws
  {
    let path = try file("state:\n  directory: /dev/null/ebb\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let program = try Binaries.path(of: "ebbd")
    let asService = try await run(
      program, ["validate", "--config", path], environment: ["STATE_DIRECTORY": "/var/lib/ebb-eu"])
    #expect(asService.status == 1)
    #expect(
      asService.output.contains(
        "\(path):2:14: error: state.directory: /dev/null/ebb cannot be written by this service; write "
          + "/var/lib/ebb-eu, which its unit gives it (StateDirectory=), or off\n"), "\(asService.output)")
    let byHand = try await run(
      program, ["validate", "--config", path], environment: ["STATE_DIRECTORY": nil])
    #expect(byHand.status == 0, "only the service itself can know: \(byHand.output)")
    // What is still to be made below a directory that may be written is no error.
    try Data("state:\n  directory: \(NSTemporaryDirectory())not-yet/there\n".utf8).write(
      to: URL(filePath: path))
    let below = try await run(
      program, ["validate", "--config", path], environment: ["STATE_DIRECTORY": "/var/lib/ebb"])
    #expect(below.status == 0, "\(below.output)")
  }

  @Test func `validate of a file that is not there says so in one sentence and ends with 2`() async throws {
    let ended = try await ebbd("validate", "--config", "/nowhere/ebbd.yaml")
    #expect(ended.status == 2 && ended.output.isEmpty)
    #expect(ended.error == "ebbd validate: there is no file /nowhere/ebbd.yaml; check the path\n")
  }

  @Test func `validate of what is no text ends with 2`() async throws {
    let path = try file("")
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data([0x61, 0x0A, 0xFF, 0xFE]).write(to: URL(filePath: path))
    let ended = try await ebbd("validate", "--config", path)
    #expect(ended.status == 2)
    #expect(ended.error == "ebbd validate: \(path) is not UTF-8 (line 2); save it as UTF-8\n")
    let directory = try await ebbd("validate", "--config", "/tmp")
    #expect(directory.status == 2)
  }

  @Test func `validate judges the mapping file that is named, too`() async throws {
    let mapping = try file("nonsense: [\n")
    let path = try file("input: {mapping: \(mapping)}\n")
    defer { for path in [mapping, path] { try? FileManager.default.removeItem(atPath: path) } }
    let broken = try await ebbd("validate", "--config", path)
    #expect(broken.status == 1)
    #expect(broken.output.contains("\(path):1:18: error: input.mapping: the mapping file \(mapping) cannot"))
    #expect(broken.output.contains("\(mapping):"), "\(broken.output)")
    try FileManager.default.removeItem(atPath: mapping)
    let missing = try await ebbd("validate", "--config", path)
    #expect(missing.status == 1)
    #expect(missing.output.contains("there is no mapping file \(mapping)"))
    try Data("input: {mapping: segmnt}\n".utf8).write(to: URL(filePath: path))
    let unknown = try await ebbd("validate", "--config", path)
    #expect(unknown.status == 1)
    #expect(
      unknown.output.contains(
        "\(path):1:18: error: input.mapping: 'segmnt' is no preset; did you "
          + "mean 'segment'?"))
  }

  @Test func `reference prints what is checked in`() async throws {
    #expect(try await ebbd("reference").output == Reference.markdown())
    #expect(try await ebbd("reference", "--yaml").output == Reference.yaml())
  }

  @Test func `A mapping file is looked for beside the file that names it`() throws {
    let path = try file("input: {mapping: shop.yaml}\n")
    defer { try? FileManager.default.removeItem(atPath: path) }
    let folder = URL(filePath: path).deletingLastPathComponent().path
    #expect(Configuration.load(path: path).0?.input.mapping == "\(folder)/shop.yaml")
    #expect(try Examination(path: path).configuration?.input.mappingIsFile == true)
    let (none, findings) = Configuration.load(path: path + "x")
    #expect(none == nil)
    #expect(findings.map(\.description) == ["\(path)x:1:1: error: there is no file \(path)x; check the path"])
  }
}
