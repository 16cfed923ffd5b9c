import Foundation
import TestSupport

/// One file of the repository.
struct SourceFile: Sendable {
  /// From the root of the package.
  var path: String
  var text: String

  /// Number of lines.
  var lineCount: Int { text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) } }

  /// The modules that the file imports.
  var imports: [String] {
    text.split(separator: "\n").compactMap { line in
      var words = line.split { $0 == " " || $0 == "\t" }[...]
      while let word = words.first,
        word.hasPrefix("@") || ["public", "package", "internal", "fileprivate", "private"].contains(word)
      {
        words = words.dropFirst()
      }
      guard words.first == "import" else { return nil }
      words = words.dropFirst()
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      if let word = words.first, kinds.contains(word) { words = words.dropFirst() }
      return words.first?.split(separator: ".").first.map(String.init)
    }
  }
}

/// The repository as these tests see it.
enum House {
  /// The folders of `Sources`.
  static let modules: [String] = {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: root + "/Sources")) ?? []
    return entries.filter { !$0.hasPrefix(".") }.sorted()
  }()

  static let root = Binaries.packageRoot

  /// Every file that belongs to the project, from the root of the package, built and hidden ones left out.
  static let paths: [String] = {
    let places = [
      "Sources", "Tests", "Config", "docs", "scripts", "systemd", "packaging", ".ci", "Makefile",
      "Package.swift",
      "README.md", "CHANGELOG.md",
    ]
    var paths: [String] = []
    for place in places {
      switch kind(place) {
      case .typeRegular: paths.append(place)
      case .typeDirectory:
        for name in FileManager.default.subpaths(atPath: root + "/" + place) ?? [] {
          let hidden = name.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__pycache__" }
          if !hidden, kind(place + "/" + name) == .typeRegular { paths.append(place + "/" + name) }
        }
      default: continue
      }
    }
    return paths.sorted()
  }()

  private static func kind(_ path: String) -> FileAttributeType? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: root + "/" + path)
    return attributes?[.type] as? FileAttributeType
  }

  /// The file, if it is text.
  static func read(_ path: String) -> SourceFile? {
    guard let bytes = FileManager.default.contents(atPath: root + "/" + path),
      let text = String(data: bytes, encoding: .utf8)
    else { return nil }
    return SourceFile(path: path, text: text)
  }

  static func swiftFiles(under place: String) -> [SourceFile] {
    paths.filter { $0.hasPrefix(place + "/") && $0.hasSuffix(".swift") }.compactMap(read)
  }
}
