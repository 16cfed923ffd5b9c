import Synchronization

/// Where lanes publish their numbers, and everybody else reads them.
public final class MetricsBoard: Sendable {
  public let catalogue: MetricCatalogue
  /// One buffer a lane, of the catalogue's size; nil until the lane has published. Locked for the time of a copy
  /// of some hundred integers.
  private let lanes: Mutex<[[Int64]?]>

  /// - Parameter lanes: how many there are; fixed.
  public init(_ catalogue: MetricCatalogue, lanes: Int) {
    precondition(lanes > 0)
    self.catalogue = catalogue
    self.lanes = Mutex([[Int64]?](repeating: nil, count: lanes))
  }

  /// Copies a lane's numbers; once a batch. `lane` counts from 0.
  public func publish(_ metrics: borrowing LaneMetrics, lane: Int) {
    precondition(metrics.cells.count == catalogue.cellCount, "the lane counts by another catalogue")
    lanes.withLock { lanes in
      // Into the buffer that is there: an assignment would share the lane's own, and its next addition copy it.
      if lanes[lane] == nil { lanes[lane] = [Int64](repeating: 0, count: catalogue.cellCount) }
      for index in metrics.cells.indices { lanes[lane]![index] = metrics.cells[index] }
    }
  }

  /// What all lanes have published last.
  public func snapshot() -> MetricsSnapshot {
    // A deep copy: a shared buffer would make the next `publish` allocate.
    let copies = lanes.withLock { lanes in lanes.compactMap { lane in lane.map { Array($0[...]) } } }
    var merged = [Int64](repeating: 0, count: catalogue.cellCount)
    for entry in catalogue.entries {
      for cell in entry.cell..<entry.cell + entry.cellCount {
        let values = copies.map { $0[cell] }
        switch entry.kind {
        case .counter, .histogram, .gauge(.sum): merged[cell] = values.reduce(0, &+)
        case .gauge(.largest): merged[cell] = values.max() ?? 0
        case .gauge(.smallest): merged[cell] = values.min() ?? 0
        }
      }
    }
    return MetricsSnapshot(catalogue: catalogue, cells: merged)
  }
}

/// The numbers of all lanes at one time.
public struct MetricsSnapshot: Sendable {
  let catalogue: MetricCatalogue
  let cells: [Int64]

  /// One series of a counter.
  public subscript(counter: MetricCatalogue.Counter, series: Int) -> Int64 {
    precondition(series >= 0 && series < counter.series, "no such label value")
    return cells[counter.cell + series]
  }

  /// All series of a counter.
  public subscript(counter: MetricCatalogue.Counter) -> Int64 {
    cells[counter.cell..<counter.cell + counter.series].reduce(0, &+)
  }

  /// One series of a gauge.
  public subscript(gauge: MetricCatalogue.Gauge, series: Int) -> Int64 {
    precondition(series >= 0 && series < gauge.series, "no such label value")
    return cells[gauge.cell + series]
  }

  /// A gauge without a label.
  public subscript(gauge: MetricCatalogue.Gauge) -> Int64 {
    self[gauge, 0]
  }

  /// How many values a histogram has counted, and their sum.
  public func total(_ histogram: MetricCatalogue.Histogram) -> (count: Int64, sum: Int64) {
    let end = histogram.cell + histogram.bounds.count + 1
    return (cells[histogram.cell..<end].reduce(0, &+), cells[end])
  }

  /// The bound at or below which a share (0 to 1) of the values lies; nil: nothing counted, or above the last
  /// bound.
  public func quantileBound(_ histogram: MetricCatalogue.Histogram, _ share: Double) -> Int64? {
    let count = total(histogram).count
    var seen: Int64 = 0
    guard count > 0 else { return nil }
    for (index, bound) in histogram.bounds.enumerated() {
      seen += cells[histogram.cell + index]
      if Double(seen) >= share * Double(count) { return bound }
    }
    return nil
  }
}
