import Events
import Portrait
import Triggers
import Yams

extension Reading {
  /// The entries of a map with their names, each name noted as `path.name`; nil after refusing it. Entries
  /// whose name stood there before are left out (they have been told).
  mutating func entries(
    _ node: Node, _ path: String, takes example: String, atMost maximum: Int
  ) -> [(name: String, key: Node, value: Node)]? {
    guard case .mapping(let mapping) = node else {
      refuse(node, path, "\(path) takes a map, such as \(example), not \(emptyOr(node))")
      return nil
    }
    var entries: [(name: String, key: Node, value: Node)] = []
    var sound = true
    for (key, value) in mapping {
      guard case .scalar(let scalar) = key, !scalar.string.isEmpty else {
        refuse(at: Place(key), path, "\(path): each name must be a single text, such as \(example)")
        sound = false
        continue
      }
      if Document.isMasked(scalar.string) { continue }
      note("\(path).\(scalar.string)", at: Place(value.isEmptyValue ? key : value))
      entries.append((scalar.string, key, value))
    }
    guard entries.count <= maximum else {
      refuse(node, path, "\(path) has \(entries.count) entries; write at most \(maximum)")
      return nil
    }
    return sound ? entries : nil
  }
}

/// `{name: value, …}`
func yamlMap(_ entries: [(String, String)]) -> String {
  "{\(entries.map { "\($0): \($1)" }.joined(separator: ", "))}"
}

extension Kind where Value == [WindowSpec] {
  static let maximumWindows = 16
  static let maximumLength = 400 * Milliseconds.day

  /// Name → length, in the order of the file.
  static var windows: Kind {
    let length = Kind<Int64>.duration(5 * Milliseconds.minute...maximumLength)
    return Kind(
      name: "map of names to spans of time", bounds: "1 to \(maximumWindows) windows, each \(length.bounds)"
    ) { node, path, reading in
      guard
        let entries = reading.entries(node, path, takes: "{day: 24h}", atMost: maximumWindows)
      else { return nil }
      guard !entries.isEmpty else {
        reading.refuse(node, path, "\(path) is empty; name at least one window, such as {day: 24h}")
        return nil
      }
      var windows: [WindowSpec] = []
      for entry in entries {
        guard isName(entry.name) else {
          reading.refuse(
            at: Place(entry.key), path,
            "\(path): \(quoted(entry.name)) cannot name a window; "
              + "write a lower-case letter, then at most 31 letters, digits and _")
          continue
        }
        guard let milliseconds = length.parse(entry.value, "\(path).\(entry.name)", &reading) else {
          continue
        }
        windows.append(WindowSpec(name: entry.name, lengthMilliseconds: milliseconds))
      }
      return windows.count == entries.count ? windows : nil
    } show: { windows in
      yamlMap(windows.map { ($0.name, Durations.show($0.lengthMilliseconds)) })
    }
  }

  private static func isName(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, (97...122).contains(first), bytes.count <= 32 else { return false }
    return bytes.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }
  }
}

/// `cart.min_value_minor`: a number, or numbers by currency.
struct MinimumValue: Sendable, Hashable {
  var byCurrency: [Currency: Int64]
  var otherwise: Int64
}

extension CartRules {
  var minimumValue: MinimumValue {
    get { MinimumValue(byCurrency: minimumValueMinor, otherwise: defaultMinimumValueMinor) }
    set {
      minimumValueMinor = newValue.byCurrency
      defaultMinimumValueMinor = newValue.otherwise
    }
  }
}

extension Kind where Value == MinimumValue {
  /// The entry for currencies that are not named.
  private static var otherwise: String { "default" }

  static var minimumValue: Kind {
    let amount = Kind<Int>.integer(0...1_000_000_000_000_000)
    return Kind(
      name: "whole number of minor units, or map of currencies to them",
      bounds: "\(amount.bounds); in a map, `\(otherwise)` is for currencies not named"
    ) { node, path, reading in
      if case .scalar = node {
        return amount.parse(node, path, &reading).map { MinimumValue(byCurrency: [:], otherwise: Int64($0)) }
      }
      guard
        let entries = reading.entries(node, path, takes: "{EUR: 2000, default: 0}", atMost: 200)
      else { return nil }
      var value = MinimumValue(byCurrency: [:], otherwise: 0)
      var read = 0
      for entry in entries {
        let currency = Currency(entry.name)
        guard entry.name == otherwise || currency?.text == entry.name else {
          reading.refuse(
            at: Place(entry.key), path,
            "\(path): \(quoted(entry.name)) is not a currency; write three capital letters (ISO 4217), "
              + "or \(otherwise) for those not named")
          continue
        }
        guard let minor = amount.parse(entry.value, "\(path).\(entry.name)", &reading) else { continue }
        read += 1
        if let currency, entry.name != otherwise {
          value.byCurrency[currency] = Int64(minor)
        } else {
          value.otherwise = Int64(minor)
        }
      }
      return read == entries.count ? value : nil
    } show: { value in
      if value.byCurrency.isEmpty { return "\(value.otherwise)" }
      let named = value.byCurrency.map { ($0.key.text, "\($0.value)") }.sorted { $0.0 < $1.0 }
      return yamlMap(named + (value.otherwise == 0 ? [] : [(otherwise, "\(value.otherwise)")]))
    }
  }
}

extension Kind where Value == [String: String] {
  /// librdkafka properties.
  static var kafkaProperties: Kind {
    Kind(name: "map of librdkafka properties to their values", bounds: "at most 200") { node, path, reading in
      guard
        let entries = reading.entries(node, path, takes: "{security.protocol: sasl_ssl}", atMost: 200)
      else { return nil }
      var properties: [String: String] = [:]
      for entry in entries {
        let place = Place(entry.key)
        let sensitive = KafkaProperties.isSecret(entry.name)
        if sensitive {
          reading.refuse(at: place, path, KafkaProperties.inlineSecret(entry.name))
          continue
        }
        guard KafkaProperties.isName(entry.name) else {
          reading.refuse(
            at: place, path,
            "\(path): \(quoted(entry.name)) is not the name of a librdkafka property; "
              + "they are lower-case words joined by dots")
          continue
        }
        guard
          let text = reading.scalar(entry.value, "\(path).\(entry.name)", takes: "a text or a number")
        else { continue }
        if let complaint = KafkaProperties.refusal(entry.name, value: text) {
          reading.refuse(at: place, path, "\(path): \(entry.name) \(complaint)")
          continue
        }
        properties[entry.name] = text
      }
      return properties.count == entries.count ? properties : nil
    } show: { properties in
      yamlMap(properties.sorted { $0.key < $1.key }.map { ($0.key, yamlText($0.value)) })
    }
  }
}

extension Kind where Value == [String: SecretSource] {
  /// librdkafka properties whose values are read from elsewhere. What stands here is never quoted: it might be
  /// the secret itself.
  static var secrets: Kind {
    let example = "{sasl.password: {file: /etc/ebb/sasl-password}}"
    return Kind(
      name: "map of librdkafka properties to `{file: path}` or `{credential: name}`", bounds: "at most 20"
    ) { node, path, reading in
      guard let entries = reading.entries(node, path, takes: example, atMost: 20) else { return nil }
      var sources: [String: SecretSource] = [:]
      for entry in entries {
        let at = "\(path).\(entry.name)"
        guard KafkaProperties.isSecret(entry.name) else {
          reading.refuse(
            at: Place(entry.key), path,
            "\(path): \(quoted(entry.name)) is not a secret property; write it under kafka.properties. "
              + "Secret ones are \(KafkaProperties.secretNames.joined(separator: ", "))")
          continue
        }
        guard let read = readSecretSource(entry.value) else {
          reading.refuse(at: Place(entry.key), path, "\(at) \(secretHint)")
          continue
        }
        sources[entry.name] = read
      }
      return sources.count == entries.count ? sources : nil
    } show: { sources in
      yamlMap(
        sources.sorted { $0.key < $1.key }.map { name, source in
          (name, Kind<SecretSource>.secretSource.show(source))
        })
    }
  }
}
