/// The numbers of one lane: owned by its thread, added to without a lock or an allocation. Sums wrap rather than
/// trap; at a million a second that takes 290 000 years.
public struct LaneMetrics: ~Copyable {
  var cells: [Int64]

  public init(_ catalogue: MetricCatalogue) {
    cells = [Int64](repeating: 0, count: catalogue.cellCount)
  }

  /// Adds to a counter; `series` is the index of the label's value.
  @inline(__always)
  public mutating func add(_ counter: MetricCatalogue.Counter, series: Int = 0, _ amount: Int64 = 1) {
    precondition(series >= 0 && series < counter.series, "no such label value")
    cells[counter.cell + series] &+= amount
  }

  /// Sets a counter to a total that is kept elsewhere.
  @inline(__always)
  public mutating func set(_ counter: MetricCatalogue.Counter, series: Int = 0, total: Int64) {
    precondition(series >= 0 && series < counter.series, "no such label value")
    cells[counter.cell + series] = total
  }

  /// Sets a gauge.
  @inline(__always)
  public mutating func set(_ gauge: MetricCatalogue.Gauge, series: Int = 0, to value: Int64) {
    precondition(series >= 0 && series < gauge.series, "no such label value")
    cells[gauge.cell + series] = value
  }

  /// Counts one value.
  public mutating func observe(_ histogram: MetricCatalogue.Histogram, _ value: Int64) {
    var bucket = 0
    while bucket < histogram.bounds.count, histogram.bounds[bucket] < value { bucket += 1 }
    cells[histogram.cell + bucket] &+= 1
    cells[histogram.cell + histogram.bounds.count + 1] &+= value
  }
}
