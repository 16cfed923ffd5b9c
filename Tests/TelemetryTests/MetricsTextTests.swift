import Telemetry
import Testing

@Suite struct `Metrics as text` {
  @Test func `Prometheus reads counters, gauges and labels`() {
    var text = MetricsText()
    text.counter(
      "ebb_things_total", "Things\nof \\ two kinds.",
      [.init(0, ("kind", "plain")), .init(3, ("kind", "a\"b\\c\nd"), ("lane", "0"))])
    text.gauge("ebb_heap_bytes", "Heap.", [.init(-5)])
    text.gauge("ebb_nothing", "Never written.", [])
    text.gauge("ebb_share_ratio", "Share.", [.init(.decimal(0.25))])
    #expect(
      text.text == #"""
        # HELP ebb_things_total Things\nof \\ two kinds.
        # TYPE ebb_things_total counter
        ebb_things_total{kind="plain"} 0
        ebb_things_total{kind="a\"b\\c\nd",lane="0"} 3
        # HELP ebb_heap_bytes Heap.
        # TYPE ebb_heap_bytes gauge
        ebb_heap_bytes -5
        # HELP ebb_share_ratio Share.
        # TYPE ebb_share_ratio gauge
        ebb_share_ratio 0.25

        """#)
  }

  @Test(
    arguments: [
      (0, "0"), (1, "0.001"), (10, "0.01"), (500, "0.5"), (1_000, "1"), (-1_500, "-1.5"),
      (1_772_445_690_001, "1772445690.001"),
    ] as [(Int64, String)])
  func `Milliseconds are written as seconds, exactly`(milliseconds: Int64, seconds: String) {
    var text = MetricsText()
    text.gauge("ebb_time_seconds", "Time.", [.init(.milliseconds(milliseconds))])
    #expect(text.text.hasSuffix("\nebb_time_seconds \(seconds)\n"))
  }

  @Test func `A histogram's buckets hold what is at or below their bound`() {
    var histogram = LatencyHistogram()
    for span: Int64 in [-3, 0, 1, 2, 10, 11, 40_000] { histogram.observe(span) }
    var text = MetricsText()
    text.histogram("ebb_wait_seconds", "Waits.", histogram)
    let lines = text.text.split(separator: "\n").map(String.init)
    #expect(lines.contains("ebb_wait_seconds_bucket{le=\"0.001\"} 3"))
    #expect(lines.contains("ebb_wait_seconds_bucket{le=\"0.01\"} 5"))
    #expect(lines.contains("ebb_wait_seconds_bucket{le=\"30\"} 6"))
    #expect(lines.contains("ebb_wait_seconds_bucket{le=\"+Inf\"} 7"))
    #expect(lines.suffix(2) == ["ebb_wait_seconds_sum 40.024", "ebb_wait_seconds_count 7"])
  }

  @Test func `A histogram knows where most spans lie, and takes in another`() {
    var histogram = LatencyHistogram()
    #expect(histogram.quantileBound(0.5) == nil)
    for span: Int64 in [0, 1, 2, 10] { histogram.observe(span) }
    #expect(histogram.quantileBound(0.5) == 1)
    #expect(histogram.quantileBound(0.75) == 2)
    #expect(histogram.quantileBound(1) == 10)
    var other = LatencyHistogram()
    other.observe(40_000)
    histogram += other
    #expect(histogram.count == 5)
    #expect(histogram.sum == 40_013)
    #expect(histogram.quantileBound(1) == nil)
  }
}
