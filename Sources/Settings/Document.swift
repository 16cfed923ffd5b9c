import Yams

/// The text of one file as a tree with places. Names that stand twice are all told, and masked in the tree so
/// that the rest of the file is still judged.
enum Document {
  /// A file is at most this long; ours is its own manual and has a tenth of it. Bytes.
  static let maximumBytes = 1 << 18
  private static let maximumDuplicates = 100

  /// First of the private-use characters that mask a repeated name.
  private static let mask: UInt32 = 0xE000

  static func isMasked(_ name: String) -> Bool {
    guard let first = name.unicodeScalars.first?.value else { return false }
    return (mask..<mask + UInt32(maximumDuplicates)).contains(first)
  }

  /// nil: nothing in it (empty, or comments only), or not usable; then the reading holds an error.
  static func compose(_ text: String, _ reading: inout Reading) -> Node? {
    guard text.utf8.count <= maximumBytes else {
      reading.tell(
        .error, at: Place(line: 1, column: 1),
        "the file has \(text.utf8.count) bytes; at most \(maximumBytes) are read")
      return nil
    }
    var lines = Lines(text)
    if let place = lines.firstMask {
      reading.tell(.error, at: place, "a private-use character stands here, which means nothing; remove it")
      return nil
    }
    for duplicate in 0..<maximumDuplicates {
      do {
        return try Yams.compose(yaml: lines.text)
      } catch YamlError.duplicatedKeysInMapping(let names, let context) {
        // The error tells the place of the first name in order of text only; the others follow one by one.
        guard let name = names.min() else { return nil }
        let first = Place(line: context.mark.line, column: context.mark.column)
        guard let second = lines.next(name, after: first) else {
          reading.tell(
            .error, at: first,
            "\(quoted(name)) is written twice in the same group; keep one. The rest was not judged")
          return nil
        }
        reading.tell(
          .error, at: second,
          "\(quoted(name)) is written twice in the same group, first in line \(first.line); keep one")
        lines.mask(second, with: mask + UInt32(duplicate))
      } catch {
        tell(error, text, &reading)
        return nil
      }
    }
    return nil
  }

  private static func tell(_ error: any Error, _ text: String, _ reading: inout Reading) {
    switch error {
    case YamlError.scanner(let context, let problem, let mark, _),
      YamlError.parser(let context, let problem, let mark, _),
      YamlError.composer(let context, let problem, let mark, _):
      let lines = Lines(text)
      var message = "not valid YAML: \(problem)"
      if let context, !context.text.isEmpty { message += ", \(context.text)" }
      if lines.hasTab(mark.line) { message += ". Indent with spaces: YAML allows no tabs there" }
      reading.tell(.error, at: Place(line: mark.line, column: mark.column), message)
    case YamlError.reader(let problem, let offset, _, _):
      var place = Place(line: 1, column: 1)
      for character in text.prefix(offset ?? 0) {
        if character.isNewline {
          place = Place(line: place.line + 1, column: 1)
        } else {
          place.column += 1
        }
      }
      reading.tell(.error, at: place, "not readable as YAML: \(problem); remove that character")
    default:
      reading.tell(.error, at: Place(line: 1, column: 1), "not readable as YAML")
    }
  }

  /// A text by lines and columns.
  private struct Lines {
    private var lines: [[Unicode.Scalar]]

    init(_ text: String) {
      lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    }

    var text: String {
      var scalars = String.UnicodeScalarView()
      for (index, line) in lines.enumerated() {
        if index > 0 { scalars.append("\n") }
        scalars.append(contentsOf: line)
      }
      return String(scalars)
    }

    /// Where a character stands that would read as a mask.
    var firstMask: Place? {
      for (index, line) in lines.enumerated() {
        if let column = line.firstIndex(where: { Document.isMasked(String($0)) }) {
          return Place(line: index + 1, column: column + 1)
        }
      }
      return nil
    }

    func hasTab(_ line: Int) -> Bool {
      line >= 1 && line <= lines.count && lines[line - 1].contains("\t")
    }

    /// The next place of `name` as a key of the block that holds the one at `first`; nil for keys in braces.
    func next(_ name: String, after first: Place) -> Place? {
      guard first.line < lines.count else { return nil }
      let column = first.column - 1
      for (index, line) in lines.enumerated().dropFirst(first.line) {
        let indent = line.prefix { $0 == " " }.count
        let rest = line[indent...]
        if rest.isEmpty || rest.first == "#" || rest.first == "\r" { continue }
        if indent < column { return nil }
        guard indent == column else { continue }
        for key in [name, "\"\(name)\"", "'\(name)'"] where rest.starts(with: key.unicodeScalars) {
          let after = rest.dropFirst(key.unicodeScalars.count).drop { $0 == " " }
          if after.first == ":" { return Place(line: index + 1, column: column + 1) }
        }
      }
      return nil
    }

    /// Replaces the first character of the key there, so that no column moves.
    mutating func mask(_ place: Place, with character: UInt32) {
      let quote = ["\"", "'"].contains(lines[place.line - 1][place.column - 1])
      if let scalar = Unicode.Scalar(character) {
        lines[place.line - 1][place.column - 1 + (quote ? 1 : 0)] = scalar
      }
    }
  }
}
