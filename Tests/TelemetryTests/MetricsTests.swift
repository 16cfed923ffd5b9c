import Telemetry
import Testing

@Suite struct MetricsTests {
  @Test func `Lanes count alone and are read together`() {
    let metrics = EbbMetrics(alertTypes: ["cart", "churn"])
    let board = MetricsBoard(metrics.catalogue, lanes: 3)
    var first = LaneMetrics(metrics.catalogue)
    var second = LaneMetrics(metrics.catalogue)
    first.add(metrics.records, 7)
    first.add(metrics.alerts, series: 1)
    first.set(metrics.users, to: 10)
    first.set(metrics.watermark, to: 5000)
    second.add(metrics.records)
    second.add(metrics.alerts, series: 0, 2)
    second.set(metrics.users, to: 4)
    second.set(metrics.watermark, to: 3000)
    board.publish(first, lane: 0)
    board.publish(second, lane: 1)
    first.add(metrics.records, 100)  // Not published yet.

    let snapshot = board.snapshot()
    #expect(snapshot[metrics.records] == 8)
    #expect(snapshot[metrics.alerts] == 3)
    #expect(snapshot[metrics.alerts, 1] == 1)
    #expect(snapshot[metrics.users] == 14)
    // A lane that has not published yet holds no watermark back.
    #expect(snapshot[metrics.watermark] == 3000)
    board.publish(first, lane: 0)
    #expect(board.snapshot()[metrics.records] == 108)
    #expect(snapshot[metrics.records] == 8)
  }

  @Test func `A histogram knows where most values lie`() {
    var catalogue = MetricCatalogue()
    let histogram = catalogue.histogram("ebb_wait_milliseconds", "Waits.", bounds: [1, 10, 100])
    let board = MetricsBoard(catalogue, lanes: 1)
    #expect(board.snapshot().quantileBound(histogram, 0.5) == nil)
    var lane = LaneMetrics(catalogue)
    for value: Int64 in [0, 1, 2, 10, 11, 1000] { lane.observe(histogram, value) }
    board.publish(lane, lane: 0)
    let snapshot = board.snapshot()
    #expect(snapshot.total(histogram).count == 6)
    #expect(snapshot.total(histogram).sum == 1024)
    #expect(snapshot.quantileBound(histogram, 0.3) == 1)
    #expect(snapshot.quantileBound(histogram, 0.5) == 10)
    #expect(snapshot.quantileBound(histogram, 0.99) == nil)
  }

  @Test func `Prometheus reads the numbers as text`() {
    var catalogue = MetricCatalogue()
    let counter = catalogue.counter(
      "ebb_things_total", "Things\nof \\ two kinds.", label: .init("kind", ["plain", "a\"b\\c\nd"]))
    let gauge = catalogue.gauge("ebb_heap_bytes", "Heap.")
    let histogram = catalogue.histogram("ebb_wait_milliseconds", "Waits.", bounds: [1, 10])
    var lane = LaneMetrics(catalogue)
    lane.add(counter, series: 1, 3)
    lane.set(gauge, to: -5)
    for value: Int64 in [1, 5, 50] { lane.observe(histogram, value) }
    let board = MetricsBoard(catalogue, lanes: 1)
    board.publish(lane, lane: 0)
    #expect(
      board.snapshot().prometheusText == """
        # HELP ebb_things_total Things\\nof \\\\ two kinds.
        # TYPE ebb_things_total counter
        ebb_things_total{kind="plain"} 0
        ebb_things_total{kind="a\\"b\\\\c\\nd"} 3
        # HELP ebb_heap_bytes Heap.
        # TYPE ebb_heap_bytes gauge
        ebb_heap_bytes -5
        # HELP ebb_wait_milliseconds Waits.
        # TYPE ebb_wait_milliseconds histogram
        ebb_wait_milliseconds_bucket{le="1"} 1
        ebb_wait_milliseconds_bucket{le="10"} 2
        ebb_wait_milliseconds_bucket{le="+Inf"} 3
        ebb_wait_milliseconds_sum 56
        ebb_wait_milliseconds_count 3

        """)
  }
}
