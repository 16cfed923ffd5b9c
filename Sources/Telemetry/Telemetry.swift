// Counting and logging.
//
// Numbers: lanes keep plain integers of their own and hand out copies once a batch; `MetricsText` writes them for
// Prometheus, and `LatencyHistogram` counts spans of time.
//
// Words: `LogOutput` is a swift-log handler with a form for terminals and one for the journal. What it prints
// went through `Printable` first: text from outside never reaches a terminal or a log with its control
// characters.
