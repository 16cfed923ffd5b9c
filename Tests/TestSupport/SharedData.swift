import Foundation
import Synchronization

/// Real data that is too large, or not ours, to lie in the repository.
public enum SharedData {
  /// The directory that `EBB_DATA` names, or nil.
  public static var directory: String? {
    guard let directory = ProcessInfo.processInfo.environment["EBB_DATA"], !directory.isEmpty else {
      return nil
    }
    return directory
  }

  /// The path of a file of the shared data. nil if it is absent, which is said aloud, once a file.
  ///
  /// Use it as `guard let path = SharedData.file("…", for: "what is then not tested") else { return }`.
  public static func file(_ name: String, for purpose: String) -> String? {
    if let directory {
      let path = directory + "/" + name
      if FileManager.default.isReadableFile(atPath: path) { return path }
      say("SKIPPED: \(purpose): there is no \(name) in EBB_DATA=\(directory)")
    } else {
      say("SKIPPED: \(purpose): EBB_DATA is not set, it names the directory that holds \(name)")
    }
    return nil
  }

  private static let said = Mutex<Set<String>>([])

  private static func say(_ sentence: String) {
    guard said.withLock({ $0.insert(sentence).inserted }) else { return }
    FileHandle.standardOutput.write(Data((sentence + "\n").utf8))
  }
}

/// Runs `body` with a fresh directory that is removed afterwards, whatever happens.
public func withTemporaryDirectory<Result>(
  isolation: isolated (any Actor)? = #isolation, _ body: (_ path: String) async throws -> Result
) async throws -> Result {
  let path = NSTemporaryDirectory() + "/ebb-test-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}
