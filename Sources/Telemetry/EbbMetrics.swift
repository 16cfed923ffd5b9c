/// The metrics that every way of running Ebb has, by name. Label values come from whoever knows them, since this
/// module knows no events and no triggers.
public struct EbbMetrics: Sendable {
  public let catalogue: MetricCatalogue
  /// Records read, whatever became of them.
  public let records: MetricCatalogue.Counter
  public let recordBytes: MetricCatalogue.Counter
  /// Records that became events and were applied.
  public let events: MetricCatalogue.Counter
  /// Records whose event name the mapping does not know.
  public let ignored: MetricCatalogue.Counter
  /// Records refused.
  public let deadLetters: MetricCatalogue.Counter
  /// Records whose Kafka key is not the user's.
  public let foreignKeys: MetricCatalogue.Counter
  /// Alerts handed to the output, one series a type in the order given.
  public let alerts: MetricCatalogue.Counter
  /// Cuts committed.
  public let cuts: MetricCatalogue.Counter
  public let users: MetricCatalogue.Gauge
  public let openCarts: MetricCatalogue.Gauge
  /// The watermark that is furthest behind, milliseconds since 1970 UTC.
  public let watermark: MetricCatalogue.Gauge
  /// From the poll of a batch's first record to the commit of its cut, milliseconds.
  public let cutDuration: MetricCatalogue.Histogram

  /// - Parameter alertTypes: every type there is, such as `ebb.cart.abandoned`.
  public init(alertTypes: [String]) {
    var catalogue = MetricCatalogue()
    records = catalogue.counter("ebb_input_records_total", "Records read.")
    recordBytes = catalogue.counter("ebb_input_bytes_total", "Bytes of the values of records read.")
    events = catalogue.counter("ebb_events_total", "Records that became events and were applied.")
    ignored = catalogue.counter(
      "ebb_ignored_records_total", "Records whose event name the mapping does not know.")
    deadLetters = catalogue.counter("ebb_dead_letter_records_total", "Records refused.")
    foreignKeys = catalogue.counter(
      "ebb_foreign_key_records_total", "Records whose key is not their user: the topic is not keyed by user.")
    alerts = catalogue.counter(
      "ebb_alerts_total", "Alerts handed to the output.",
      label: MetricCatalogue.Label("type", alertTypes))
    cuts = catalogue.counter("ebb_cuts_total", "Batches of output committed.")
    users = catalogue.gauge("ebb_users", "Users with a portrait.")
    openCarts = catalogue.gauge("ebb_open_carts", "Carts that are not empty.")
    watermark = catalogue.gauge(
      "ebb_watermark_milliseconds", "The watermark furthest behind, milliseconds since 1970 UTC.",
      across: .smallest)
    cutDuration = catalogue.histogram(
      "ebb_cut_duration_milliseconds", "From a batch's first record to the commit of its cut.",
      bounds: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000])
    self.catalogue = catalogue
  }
}
