// Counting and logging.
//
// Numbers: a `MetricCatalogue` is filled once at the start and never changes again: it gives each metric its
// place among the cells. Each lane owns a `LaneMetrics`, plain integers that it adds to without a lock, and
// publishes them to the `MetricsBoard` once a batch, which copies them under a lock. Whoever wants to know takes
// a `MetricsSnapshot` of all lanes; `prometheusText` writes it out.
//
// Words: `LogOutput` is a swift-log handler with a form for terminals and one for the journal. What it prints
// went through `Printable` first: text from outside never reaches a terminal or a log with its control
// characters.
//
// Not obvious: label values are fixed in the catalogue, so that no input can make series grow without bound.
