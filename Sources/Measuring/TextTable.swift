/// Rows of text in columns: the first to the left, the others to the right.
public struct TextTable: Sendable {
  public enum Row: Sendable, Hashable {
    case cells([String])
    /// A line over all columns.
    case heading(String)
  }

  public var header: [String]
  public var rows: [Row] = []

  public init(_ header: [String]) {
    self.header = header
  }

  public mutating func add(_ cells: [String]) {
    precondition(cells.count <= header.count, "no more cells than columns")
    rows.append(.cells(cells))
  }

  public mutating func add(heading: String) {
    rows.append(.heading(heading))
  }

  public var text: String {
    var widths = header.map(\.count)
    for case .cells(let cells) in rows {
      for (column, cell) in cells.enumerated() { widths[column] = max(widths[column], cell.count) }
    }
    func line(_ cells: [String]) -> String {
      var line = "  "
      for (column, width) in widths.enumerated() {
        let cell = column < cells.count ? cells[column] : ""
        let space = String(repeating: " ", count: width - cell.count)
        line += column == 0 ? cell + space : "  " + space + cell
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }
    var text = line(header)
    for row in rows {
      switch row {
      case .cells(let cells): text += line(cells)
      case .heading(let heading): text += "\n" + heading + "\n"
      }
    }
    return text
  }
}

extension Double {
  /// With so many digits behind the point.
  public func text(digits: Int) -> String {
    guard isFinite, abs(self) < 1e15 else { return "\(self)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int64((abs(self) * scale).rounded())
    let (whole, part) = scaled.quotientAndRemainder(dividingBy: Int64(scale))
    let sign = self < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return sign + whole.grouped }
    return sign + whole.grouped + "." + String("\(Int64(scale) + part)".dropFirst())
  }
}

extension FixedWidthInteger {
  /// In groups of three: 1 234 567.
  public var grouped: String {
    var digits = String(magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    groups.insert(digits, at: 0)
    return (self < 0 ? "-" : "") + groups.joined(separator: " ")
  }
}
