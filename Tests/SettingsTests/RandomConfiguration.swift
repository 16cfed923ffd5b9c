import Triggers

@testable import Settings

/// Configurations that are valid and have every option that decides results at random.
enum RandomConfiguration {
  static func next(_ random: inout some RandomNumberGenerator) -> Configuration {
    var configuration = Configuration()
    for option in EpochText.options.shuffled(using: &random) {
      // What contradicts the options set before is tried again, and left in the end.
      for _ in 0..<4 {
        var changed = configuration
        var reading = Reading(file: "f")
        let value = value(option, &random)
        guard let node = Document.compose(value, &reading) else { continue }
        option.read(node, &reading, &changed)
        Contradictions.judge(changed, &reading)
        if reading.hasErrors { continue }
        configuration = changed
        break
      }
    }
    if configuration.rules.cart.quietHours != nil { configuration.rules.shop.zones = Zones.table }
    return configuration
  }

  /// A value within the option's bounds, mostly.
  private static func value(_ option: Option, _ random: inout some RandomNumberGenerator) -> String {
    switch option.path {
    case "windows":
      let lengths = ["5m", "30m", "1h", "12h", "24h", "7d", "13d", "90d"].shuffled(using: &random)
      let count = Int.random(in: 1...lengths.count, using: &random)
      return "{\(lengths.prefix(count).map { "w_\($0): \($0)" }.joined(separator: ", "))}"
    case "cart.steps":
      let steps = (0..<Int.random(in: 1...16, using: &random)).map { _ in
        Int.random(in: 1...3000, using: &random)
      }
      return "[\(Set(steps).sorted().map { "\($0)m" }.joined(separator: ", "))]"
    case "cart.min_value_minor":
      let amounts = (0..<3).map { _ in Int.random(in: 0...1_000_000, using: &random) }
      return Bool.random(using: &random)
        ? "\(amounts[0])" : "{EUR: \(amounts[0]), JPY: \(amounts[1]), default: \(amounts[2])}"
    case "cart.quiet_hours":
      let minutes = (0..<2).map { _ in Int.random(in: 0..<1440, using: &random) }
      func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
      return Bool.random(using: &random)
        ? "off" : minutes.map { "\(two($0 / 60)):\(two($0 % 60))" }.joined(separator: "-")
    case "shop.timezone": return Zones.names.randomElement(using: &random) ?? "UTC"
    default: break
    }
    if option.bounds.isEmpty {
      return ["on", "off", "any", "item"].randomElement(using: &random) ?? "on"
    }
    if option.type.contains("off"), Int.random(in: 0..<4, using: &random) == 0 { return "off" }
    let bounds = option.bounds.split(separator: " ").filter { $0 != "to" }.map(String.init)
    if option.type.hasPrefix("span") {
      let ends = bounds.compactMap { try? Durations.parse($0) }
      let unit: Int64 = [1, 1000, 60_000, 3_600_000, 86_400_000].randomElement(using: &random) ?? 1
      let value = Int64.random(in: ends[0]...ends[1], using: &random)
      return Durations.show(max(ends[0], value / unit * unit))
    }
    if option.type == "number" {
      return "\(Double.random(in: 0...(Bool.random(using: &random) ? 1 : 1000), using: &random))"
    }
    let ends = bounds.compactMap { Int($0) }
    return "\(Int.random(in: ends[0]...ends[1], using: &random))"
  }
}
