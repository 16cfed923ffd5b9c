import Events

/// What the shop told about a user: last write wins by event time.
public struct Traits: Sendable, Hashable {
  /// Traits kept of a user, besides the two that Ebb itself reads.
  public static let maximum = 32
  /// Longest name and longest text of a trait that is kept, UTF-8 bytes.
  public static let maximumNameBytes = 64
  public static let maximumTextBytes = 256

  struct Entry: Sendable, Hashable {
    var name: String
    var value: Event.TraitValue
    var time: Int64
  }

  var entries: [Entry] = []
  var timezoneEntry: Entry?
  var optOutEntry: Entry?

  public init() {}

  /// Takes a `profile` in; returns how many traits found no room or are too long to be kept.
  public mutating func apply(_ event: borrowing EventSlot) -> Int64 {
    var overflows: Int64 = 0
    for index in event.traits.indices {
      let trait = event.traits[index]
      if trait.name.count > Self.maximumNameBytes || trait.text?.count ?? 0 > Self.maximumTextBytes {
        overflows += 1
        continue
      }
      let value: Event.TraitValue =
        if let text = trait.text { .text(event.string(text)) } else { .number(trait.number) }
      let entry = Entry(name: event.string(trait.name), value: value, time: event.ts)
      switch entry.name {
      case "timezone": Self.write(entry, &timezoneEntry)
      case "ebb_opt_out": Self.write(entry, &optOutEntry)
      default:
        if let index = entries.firstIndex(where: { $0.name == entry.name }) {
          if entry.time >= entries[index].time { entries[index] = entry }
        } else if entries.count < Self.maximum {
          entries.append(entry)
        } else {
          overflows += 1
        }
      }
    }
    return overflows
  }

  private static func write(_ entry: Entry, _ place: inout Entry?) {
    if let old = place, old.time > entry.time { return }
    place = entry
  }

  /// Whether there are none.
  var isBlank: Bool { entries.isEmpty && timezoneEntry == nil && optOutEntry == nil }

  mutating func reset() {
    if isBlank { return }
    entries.empty()
    timezoneEntry = nil
    optOutEntry = nil
  }

  /// The value of a trait.
  public subscript(name: String) -> Event.TraitValue? {
    switch name {
    case "timezone": timezoneEntry?.value
    case "ebb_opt_out": optOutEntry?.value
    default: entries.first { $0.name == name }?.value
    }
  }

  /// The user's IANA zone, if told as text.
  public var timezone: String? {
    if case .text(let name) = timezoneEntry?.value { return name }
    return nil
  }

  /// Whether the user wants no alerts.
  public var optedOut: Bool {
    switch optOutEntry?.value {
    case .number(let number): number != 0
    case .text(let text): ["true", "1", "yes"].contains(text.lowercased())
    case nil: false
    }
  }
}
