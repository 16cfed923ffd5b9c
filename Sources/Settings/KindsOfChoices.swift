import Events
import Triggers
import Yams

extension Kind where Value == QuietHours {
  /// `22:00-08:00`, local time.
  static var quietHours: Kind {
    Kind(name: "hours of the day such as 22:00-08:00", bounds: "00:00 to 23:59 each") { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "hours such as 22:00-08:00, or off") else {
        return nil
      }
      let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(minute)
      guard parts.count == 2, let start = parts[0], let end = parts[1] else {
        reading.refuse(node, path, "\(path): \(quoted(text)) is neither off nor hours such as 22:00-08:00")
        return nil
      }
      guard start != end else {
        reading.refuse(
          node, path, "\(path): \(quoted(text)) never ends; write cart.enabled: off to be silent always")
        return nil
      }
      return QuietHours(startMinute: start, endMinute: end)
    } show: { hours in
      "\(clock(hours.startMinute))-\(clock(hours.endMinute))"
    }
  }

  private static func minute(_ text: Substring) -> Int? {
    let digits = text.utf8.map { Int($0) - 48 }
    guard digits.count == 5, digits[2] == 10,
      [0, 1, 3, 4].allSatisfy({ (0...9).contains(digits[$0]) })
    else { return nil }
    let (hour, minute) = (digits[0] * 10 + digits[1], digits[3] * 10 + digits[4])
    return hour < 24 && minute < 60 ? hour * 60 + minute : nil
  }

  private static func clock(_ minute: Int) -> String {
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(minute / 60)):\(two(minute % 60))"
  }
}

extension Kind where Value == StartPosition {
  static var startPosition: Kind {
    Kind(name: "`earliest`, `latest` or a time such as 2026-11-01T00:00:00Z", bounds: "") {
      node, path, reading in
      guard let text = reading.scalar(node, path, takes: "earliest, latest or a time") else { return nil }
      switch text {
      case "earliest": return .earliest
      case "latest": return .latest
      default: break
      }
      if let time = Timestamps.parse(text) { return .timestamp(time) }
      if let near = NearMiss.find(text, among: ["earliest", "latest"]) {
        reading.refuse(node, path, "\(path): unknown value \(quoted(text)); did you mean '\(near)'?")
      } else {
        reading.refuse(
          node, path,
          "\(path): \(quoted(text)) is neither earliest, latest nor a time with its zone; "
            + "write one such as 2026-11-01T00:00:00Z")
      }
      return nil
    } show: { position in
      switch position {
      case .earliest: "earliest"
      case .latest: "latest"
      case .timestamp(let time): Timestamps.show(time)
      }
    }
  }
}

extension Kind where Value == Lanes {
  static var lanes: Kind {
    let number = Kind<Int>.integer(1...256)
    return Kind(name: "whole number, or `auto`", bounds: number.bounds) { node, path, reading in
      if case .scalar(let scalar) = node, scalar.string == "auto" { return .auto }
      return number.parse(node, path, &reading).map(Lanes.fixed)
    } show: { lanes in
      switch lanes {
      case .auto: "auto"
      case .fixed(let count): "\(count)"
      }
    }
  }
}

extension Kind where Value == Int {
  /// A format of state records that this release can write.
  static var stateFormat: Kind {
    let known = StateSettings.knownFormats
    let names = known.map { "\($0)" }.joined(separator: " or ")
    return Kind(name: "number of a format", bounds: names) { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "the number of a format") else { return nil }
      guard let value = Int(text), known.contains(value) else {
        reading.refuse(
          node, path,
          "\(path): \(quoted(text)) is no format that this release can write; write \(names), or start a "
            + "release that knows it")
        return nil
      }
      return value
    } show: {
      "\($0)"
    }
  }
}

extension Kind where Value == String {
  /// An absolute path of a directory.
  static var directory: Kind {
    .text("path of a directory", bounds: "absolute, at most 1024 bytes") { text in
      let isUsable = !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
      guard isUsable, text.hasPrefix("/"), text.utf8.count <= 1024 else {
        return "is no absolute path; write one such as /var/lib/ebb, or off"
      }
      return nil
    }
  }

  /// `host:port`, with librdkafka's optional protocol before it.
  static var broker: Kind {
    .text("`host:port`") { text in
      let address = text.split(separator: "://", maxSplits: 1).last.map(String.init) ?? ""
      let port = address.split(separator: ":", omittingEmptySubsequences: false).last.flatMap { UInt16($0) }
      let strange = address.unicodeScalars.contains {
        $0.properties.isWhitespace || ",@/\"'".unicodeScalars.contains($0)
      }
      guard !strange, let port, port > 0, address.contains(":"), !address.hasPrefix(":") else {
        return "is not a broker's address; write host:port, such as kafka1.example.com:9092"
      }
      return nil
    }
  }

  /// The name of a Kafka topic.
  static var topic: Kind {
    .text("name of a topic", bounds: "1 to 249 letters, digits, dots, _ and -") { text in
      let legal = text.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
          || "._-".utf8.contains(byte)
      }
      guard legal, (1...249).contains(text.utf8.count), text != ".", text != ".." else {
        return "cannot name a Kafka topic; write 1 to 249 letters, digits, dots, _ and -"
      }
      return nil
    }
  }

  /// A name for Kafka's coordinator: any visible text.
  static var identifier: Kind {
    .text("text", bounds: "1 to 200 visible characters") { text in
      guard (1...200).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        return "is not usable as a name; write 1 to 200 visible ASCII characters without spaces"
      }
      return nil
    }
  }

  /// An IANA time zone.
  static var timeZone: Kind {
    .text("IANA time zone", bounds: "such as Europe/Berlin") { text in
      if Zones.isKnown(text) { return nil }
      if let near = NearMiss.find(text, among: Zones.names) {
        return "is not a known time zone; did you mean '\(near)'?"
      }
      return "is not a known time zone; write an IANA name such as Europe/Berlin, or UTC"
    }
  }

  /// Name of a preset, or path of a mapping file.
  static var mapping: Kind {
    .text("name of a preset, or path of a mapping file") { text in
      text.isEmpty || text.unicodeScalars.contains { $0.value < 0x20 }
        ? "names no mapping; write a preset such as native, or the path of a file" : nil
    }
  }

  /// A CloudEvents source: a URI reference.
  static var eventSource: Kind {
    .text("URI reference", bounds: "1 to 200 visible ASCII characters") { text in
      let legal = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"<>\"\\^`{|}".utf8.contains($0) }
      guard legal, (1...200).contains(text.utf8.count) else {
        return "is not a URI reference; write one such as /ebb or https://shop.example.com/ebb"
      }
      return nil
    }
  }
}
