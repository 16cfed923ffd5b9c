/// Metrics as text, in the exposition format 0.0.4 of Prometheus
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
///
/// Whoever writes them brings names and labels that are fixed in the program: no input may make series grow without
/// bound. A wrong name is our mistake and traps.
public struct MetricsText: Sendable {
  /// A number of a metric, with its labels.
  public struct Sample: Sendable {
    public var labels: [(name: String, value: String)]
    public var value: Value

    public init(_ value: Value, _ labels: (name: String, value: String)...) {
      self.labels = labels
      self.value = value
    }

    public init(_ value: Int64, _ labels: (name: String, value: String)...) {
      self.labels = labels
      self.value = .whole(value)
    }
  }

  public enum Value: Sendable, Hashable {
    case whole(Int64)
    case decimal(Double)
    /// Given in milliseconds, written in seconds, exactly.
    case milliseconds(Int64)
  }

  /// The text so far.
  public private(set) var text = ""
  private var names: Set<String> = []

  public init() {}

  /// Numbers that only ever go up; the name ends in `_total`. Without samples nothing is written.
  public mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
    precondition(name.hasSuffix("_total"), "\(name): counters end in _total")
    write(name, help, "counter", samples)
  }

  /// Numbers that go up and down.
  public mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
    precondition(!name.hasSuffix("_total"), "\(name): only counters end in _total")
    write(name, help, "gauge", samples)
  }

  /// Spans of time by length; the name ends in `_seconds`.
  public mutating func histogram(_ name: String, _ help: String, _ histogram: LatencyHistogram) {
    precondition(name.hasSuffix("_seconds"), "\(name): spans of time are in seconds")
    head(name, help, "histogram")
    var count: Int64 = 0
    for (index, inBucket) in histogram.counts.enumerated() {
      count += inBucket
      let bounds = LatencyHistogram.bounds
      let bound = index < bounds.count ? Self.seconds(bounds[index]) : "+Inf"
      text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
    }
    text += "\(name)_sum \(Self.seconds(histogram.sum))\n\(name)_count \(count)\n"
  }

  private mutating func write(_ name: String, _ help: String, _ type: String, _ samples: [Sample]) {
    if samples.isEmpty { return }
    head(name, help, type)
    for sample in samples { text += "\(name)\(Self.labels(sample.labels)) \(Self.text(sample.value))\n" }
  }

  private mutating func head(_ name: String, _ help: String, _ type: String) {
    precondition(Self.isName(name), "\(name) is no name for a metric")
    precondition(names.insert(name).inserted, "\(name) is there already")
    text += "# HELP \(name) \(Self.escaped(help, quote: false))\n# TYPE \(name) \(type)\n"
  }

  private static func labels(_ labels: [(name: String, value: String)]) -> String {
    if labels.isEmpty { return "" }
    let pairs = labels.map { label in
      precondition(isName(label.name), "\(label.name) is no name for a label")
      return "\(label.name)=\"\(escaped(label.value, quote: true))\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func text(_ value: Value) -> String {
    switch value {
    case .whole(let number): String(number)
    case .decimal(let number): number.isNaN ? "NaN" : "\(number)"
    case .milliseconds(let number): seconds(number)
    }
  }

  /// Exactly, with as few digits as that takes.
  private static func seconds(_ milliseconds: Int64) -> String {
    let (whole, rest) = milliseconds.magnitude.quotientAndRemainder(dividingBy: 1_000)
    var fraction = String(1_000 + rest).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return (milliseconds < 0 ? "-" : "") + "\(whole)" + (fraction.isEmpty ? "" : ".\(fraction)")
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }
  }

  private static func escaped(_ text: String, quote: Bool) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quote: escaped += "\\\""
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
