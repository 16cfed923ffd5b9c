import Events
import Settings

/// A decoder with its slot, for tests that speak of texts and whole events.
struct Decoding: ~Copyable {
  var decoder: Decoder
  var slot = EventSlot()

  init(preset: String, limits: DecoderLimits = DecoderLimits()) throws {
    decoder = Decoder(mapping: try MappingFile.preset(named: preset), limits: limits)
  }

  init(_ definition: MappingDefinition, limits: DecoderLimits = DecoderLimits()) throws {
    decoder = Decoder(mapping: try Mapping(definition), limits: limits)
  }

  mutating func outcome(
    _ record: String, key: String? = nil, recordTimestamp: Int64 = -1
  ) -> DecodeOutcome {
    outcome(Array(record.utf8), key: key, recordTimestamp: recordTimestamp)
  }

  mutating func outcome(
    _ record: [UInt8]?, key: String? = nil, recordTimestamp: Int64 = -1
  ) -> DecodeOutcome {
    decoder.decode(
      record, key: key.map { Array($0.utf8) }, recordTimestamp: recordTimestamp, into: &slot)
  }

  /// The event of a record; throws its refusal.
  mutating func event(_ record: String, key: String? = nil, recordTimestamp: Int64 = -1) throws -> Event {
    switch outcome(record, key: key, recordTimestamp: recordTimestamp) {
    case .event: return slot.event()
    case .ignored: throw Ignored()
    case .rejected(let rejection): throw rejection
    }
  }

  mutating func rejection(_ record: String, recordTimestamp: Int64 = -1) -> Rejection? {
    if case .rejected(let rejection) = outcome(record, recordTimestamp: recordTimestamp) {
      rejection
    } else {
      nil
    }
  }

  struct Ignored: Error {}
}

/// A small mapping in which every kind of field has one place.
func smallMapping(
  priceUnit: SourceUnit = .major, timeUnit: SourceUnit = .milliseconds, currency: Currency? = nil,
  form: MappingDefinition.Form = .json
) -> MappingDefinition {
  MappingDefinition(
    name: "small", form: form, eventName: [FieldSource(.path("type"))],
    names: [
      NameRule("add", .cartAdd), NameRule("set", .cartSet), NameRule("buy", .purchase),
      NameRule("view", .pageView), NameRule("profile", .profile), NameRule("noise", nil),
    ],
    fields: [
      .ts: [FieldSource(.path("ts"), unit: timeUnit)],
      .userID: [FieldSource(.path("user"))],
      .anonymousID: [FieldSource(.path("anonymous"))],
      .itemID: [FieldSource(.path("item"))],
      .price: [FieldSource(.path("price"), unit: priceUnit)],
      .value: [FieldSource(.path("value"), unit: priceUnit)],
      .currency: [FieldSource(.path("currency"))],
      .quantity: [FieldSource(.path("quantity"))],
      .dwell: [FieldSource(.path("dwell"), unit: .seconds, missing: ["3.14"])],
      .rating: [FieldSource(.path("rating"))],
      .url: [FieldSource(.path("url"))],
    ],
    items: [
      ItemsSource(
        each: "items", itemID: [FieldSource(.path("id"))],
        price: [FieldSource(.path("price"), unit: priceUnit)], quantity: [FieldSource(.path("n"))])
    ],
    traits: ["traits"], defaultCurrency: currency)
}
