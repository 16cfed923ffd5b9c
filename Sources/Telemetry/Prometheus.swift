extension MetricsSnapshot {
  /// The text exposition format 0.0.4
  /// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
  public var prometheusText: String {
    var text = ""
    for entry in catalogue.entries {
      text += "# HELP \(entry.name) \(Self.escaped(entry.help, quote: false))\n"
      text += "# TYPE \(entry.name) \(Self.typeName(entry.kind))\n"
      switch entry.kind {
      case .counter, .gauge: text += lines(entry)
      case .histogram(let bounds): text += lines(entry, bounds)
      }
    }
    return text
  }

  private func lines(_ entry: MetricCatalogue.Entry) -> String {
    guard let label = entry.label else { return "\(entry.name) \(cells[entry.cell])\n" }
    var text = ""
    for (index, value) in label.values.enumerated() {
      text += "\(entry.name){\(label.name)=\"\(Self.escaped(value, quote: true))\"} "
      text += "\(cells[entry.cell + index])\n"
    }
    return text
  }

  private func lines(_ entry: MetricCatalogue.Entry, _ bounds: [Int64]) -> String {
    var text = ""
    var count: Int64 = 0
    for index in 0...bounds.count {
      count &+= cells[entry.cell + index]
      let bound = index < bounds.count ? String(bounds[index]) : "+Inf"
      text += "\(entry.name)_bucket{le=\"\(bound)\"} \(count)\n"
    }
    text += "\(entry.name)_sum \(cells[entry.cell + bounds.count + 1])\n"
    return text + "\(entry.name)_count \(count)\n"
  }

  private static func typeName(_ kind: MetricCatalogue.Kind) -> String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
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
