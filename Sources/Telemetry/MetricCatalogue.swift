/// All metrics there are, each with its place among the cells of a `LaneMetrics`. Filled at the start, then
/// constant. A wrong name is our mistake and traps.
public struct MetricCatalogue: Sendable {
  /// A label and every value that it can have.
  public struct Label: Sendable, Hashable {
    public var name: String
    public var values: [String]

    public init(_ name: String, _ values: [String]) {
      precondition(!values.isEmpty && values.count <= 256, "a label has 1 to 256 values")
      precondition(Set(values).count == values.count, "a value of \(name) is named twice")
      self.name = name
      self.values = values
    }
  }

  /// Only ever goes up.
  public struct Counter: Sendable, Hashable {
    let cell: Int
    let series: Int
  }

  /// Goes up and down.
  public struct Gauge: Sendable, Hashable {
    let cell: Int
    let series: Int
  }

  /// Counts values by size.
  public struct Histogram: Sendable {
    let cell: Int
    /// Upper bounds, inclusive, ascending; a last bucket without a bound follows.
    let bounds: [Int64]
  }

  /// How one number is made of those of all lanes.
  public enum Across: Sendable, Hashable {
    case sum, largest, smallest
  }

  enum Kind: Sendable, Hashable {
    case counter
    case gauge(Across)
    case histogram(bounds: [Int64])
  }

  struct Entry: Sendable {
    var name: String
    var help: String
    var kind: Kind
    var label: Label?
    var cell: Int

    var cellCount: Int {
      switch kind {
      case .counter, .gauge: label?.values.count ?? 1
      // The buckets, then the sum.
      case .histogram(let bounds): bounds.count + 2
      }
    }
  }

  private(set) var entries: [Entry] = []
  private(set) var cellCount = 0

  public init() {}

  /// `ebb_<what>_<unit>_total`; one series for each value of the label, or one alone.
  public mutating func counter(_ name: String, _ help: String, label: Label? = nil) -> Counter {
    precondition(name.hasSuffix("_total"), "\(name): counters end in _total")
    let cell = add(name, help, .counter, label)
    return Counter(cell: cell, series: label?.values.count ?? 1)
  }

  /// `ebb_<what>_<unit>`.
  public mutating func gauge(
    _ name: String, _ help: String, label: Label? = nil, across: Across = .sum
  ) -> Gauge {
    precondition(!name.hasSuffix("_total"), "\(name): only counters end in _total")
    let cell = add(name, help, .gauge(across), label)
    return Gauge(cell: cell, series: label?.values.count ?? 1)
  }

  /// `ebb_<what>_<unit>`; `bounds` ascending, at most 64.
  public mutating func histogram(_ name: String, _ help: String, bounds: [Int64]) -> Histogram {
    precondition(!name.hasSuffix("_total"), "\(name): only counters end in _total")
    precondition(!bounds.isEmpty && bounds.count <= 64, "\(name): 1 to 64 bounds")
    precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "\(name): bounds ascend")
    return Histogram(cell: add(name, help, .histogram(bounds: bounds), nil), bounds: bounds)
  }

  private mutating func add(_ name: String, _ help: String, _ kind: Kind, _ label: Label?) -> Int {
    precondition(name.hasPrefix("ebb_") && Self.isName(name), "\(name) is no name for a metric")
    precondition(label.map { Self.isName($0.name) } ?? true, "\(name): its label has no name for a label")
    precondition(!entries.contains { $0.name == name }, "\(name) is there already")
    let entry = Entry(name: name, help: help, kind: kind, label: label, cell: cellCount)
    entries.append(entry)
    cellCount += entry.cellCount
    return entry.cell
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }
  }
}
