import Foundation

/// What went wrong with the machinery of a test, as distinct from what it tests.
public struct TestSupportError: Error, CustomStringConvertible {
  /// What happened, and what to do about it.
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}

/// Where the executables of this package and the foreign tools are.
public enum Binaries {
  /// The root of the package: where `Package.swift` is.
  public static var packageRoot: String {
    // <root>/Tests/TestSupport/Binaries.swift
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }

  /// The path of a built executable of this package, such as `ebbd`.
  ///
  /// Looked for in the directory that `EBB_BIN` names if it is set, and nowhere else then; otherwise beside
  /// the running test bundle (so debug tests run the debug build), otherwise in `.build/debug`.
  public static func path(of name: String) throws -> String {
    var directories: [String] = []
    if let chosen = ProcessInfo.processInfo.environment["EBB_BIN"], !chosen.isEmpty {
      directories = [chosen]
    } else {
      if let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") {
        directories.append(URL(fileURLWithPath: bundle).deletingLastPathComponent().path)
      }
      directories.append(packageRoot + "/.build/debug")
    }
    for directory in directories {
      let path = directory + "/" + name
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw TestSupportError(
      "\(name) is not in \(directories.joined(separator: " nor in ")); run `swift build`, or set EBB_BIN")
  }

  /// The path of an installed tool such as `kcat`, or nil if it is not on the path.
  public static func tool(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for directory in path.split(separator: ":") {
      let candidate = "\(directory)/\(name)"
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    return nil
  }

  /// The system's own Python, for which Debian's `python3-kafka` is installed; one on the path may be another.
  public static let python = "/usr/bin/python3"
}
