// The usual record, filled without a search: each value that the record has is taken to the field that it belongs to.
//
// ```
//  record ─► values that are there ─► quick fill ──► event
//                                        │ anything that is not plain
//                                        ▼
//                                      fill: every field looks for its sources, or says what is wrong
// ```
// A value is plain if it stands where its field is looked for first and reads as what the field holds. Whatever is not
// (another source, a value that means "missing", an error) leaves the slot to `fill`, which alone refuses. Tests hold
// both to the same events.

/// What becomes of the value of one capture.
struct QuickStep: BitwiseCopyable {
  enum Kind: UInt8 {
    /// Nothing by itself: conditions look at it, or `searched` says who does.
    case none
    case identifier, text, time, dwell, money, quantity, rating
  }

  var kind = Kind.none
  var field = SlotField.userID
  /// Of identifiers and texts.
  var text = EventSlot.TextField.userID
  /// Of money.
  var number = EventSlot.NumberField.price
  var unit = SourceUnit.milliseconds
  /// Fields that look at this place too, if they have not found their value where they look first.
  var searched: SlotFields = []
}

/// A mapping's steps by capture.
struct QuickPlan: ~Copyable {
  let steps: PlainTable<QuickStep>
  /// Fields that may have a value even where the record has none for them.
  let always: SlotFields
  let isUsable: Bool

  init(_ compiled: CompiledMapping, isJSON: Bool) {
    var planner = Planner(compiled)
    planner.plan()
    steps = PlainTable(planner.steps)
    always = planner.always
    isUsable = isJSON && compiled.splitGroup < 0 && !planner.isBeyond
  }

  private struct Planner {
    let compiled: CompiledMapping
    var steps = Array(repeating: QuickStep(), count: 63)
    var always: SlotFields = []
    /// Whether there are captures that have no bit of their own.
    var isBeyond = false

    init(_ compiled: CompiledMapping) { self.compiled = compiled }

    mutating func plan() {
      let fields = compiled.fields
      plan(fields.ts, .time, .time)
      for (range, field, text) in [
        (fields.userID, SlotField.userID, EventSlot.TextField.userID),
        (fields.anonymousID, .anonymousID, .anonymousID), (fields.eventID, .eventID, .eventID),
        (fields.sessionID, .sessionID, .sessionID), (fields.itemID, .itemID, .itemID),
        (fields.category, .category, .category), (fields.brand, .brand, .brand),
        (fields.cartID, .cartID, .cartID), (fields.orderID, .orderID, .orderID),
      ] { plan(range, .identifier, field, text) }
      for (range, field, text) in [
        (fields.url, SlotField.url, EventSlot.TextField.url), (fields.element, .element, .element),
        (fields.referrer, .referrer, .referrer), (fields.text, .text, .text),
        (fields.language, .language, .language),
      ] { plan(range, .text, field, text) }
      plan(fields.dwell, .dwell, .dwell)
      plan(fields.price, .money, .price)
      plan(fields.quantity, .quantity, .quantity)
      plan(fields.value, .money, .value, number: .value)
      plan(fields.rating, .rating, .rating)
    }

    /// Notes where a field's value stands.
    private mutating func plan(
      _ range: CompiledRange, _ kind: QuickStep.Kind, _ field: SlotField,
      _ text: EventSlot.TextField = .userID, number: EventSlot.NumberField = .price
    ) {
      if range.captures & CompiledRange.always != 0 { always.insert(field) }
      if range.direct >= 63 { isBeyond = true }
      for capture in 0..<63 where range.captures >> UInt64(capture) & 1 != 0 {
        guard Int32(capture) == range.direct, steps[capture].kind == .none else {
          // Another place, or one that somebody else reads.
          steps[capture].searched.insert(field)
          continue
        }
        steps[capture].kind = kind
        steps[capture].field = field
        steps[capture].text = text
        steps[capture].number = number
        steps[capture].unit = compiled.sources[Int(range.start)].unit
      }
    }
  }
}

extension Decoder {
  /// Fills the slot from a plain record; false: it is in any state, and `fill` has to do it.
  mutating func fillQuickly(_ slot: inout EventSlot) throws(Rejection) -> Bool {
    guard quick.isUsable, case let .some(type) = try eventType(row: 0), takeCurrency(&slot) else {
      return false
    }
    slot.type = type
    // By address: reading it as part of the decoder would copy the whole decoder.
    let steps = unsafe quick.steps.place
    let minorDigits = slot.currency?.minorDigits ?? 2
    var taken: SlotFields = []
    var searched = quick.always
    var rest = present & ~CompiledRange.always
    while rest != 0 {
      let capture = rest.trailingZeroBitCount
      rest &= rest - 1
      let step = unsafe steps + capture
      unsafe searched.formUnion(step.pointee.searched)
      let value = reader.value(Int32(truncatingIfNeeded: capture))
      if !value.isPresent { continue }
      let isRead: Bool
      switch unsafe step.pointee.kind {
      case .none: continue
      case .identifier: isRead = unsafe slot.takeIdentifier(value, step.pointee.text)
      case .text: isRead = unsafe slot.takeText(value, step.pointee.text)
      case .time: isRead = unsafe takeTime(value, step.pointee.unit, &slot)
      case .dwell:
        isRead = unsafe slot.takeNumber(
          value, .dwell, power: step.pointee.unit.powerToMilliseconds,
          maximum: DecoderLimits.maximumDwellMilliseconds)
      case .money:
        isRead = unsafe slot.takeNumber(
          value, step.pointee.number, power: step.pointee.unit == .major ? minorDigits : 0,
          maximum: DecoderLimits.maximumMoneyMinor)
      case .quantity:
        isRead =
          slot.takeNumber(value, .quantity, power: 0, maximum: DecoderLimits.maximumQuantity)
          && slot.quantity != 0
      case .rating: isRead = slot.takeRating(value)
      }
      if !isRead { return false }
      unsafe taken.insert(step.pointee.field)
    }
    searched.subtract(taken)
    guard searched.isEmpty || search(searched, &slot), slot.ts != 0,
      slot.userID != nil || slot.anonymousID != nil,
      Self.fits(slot.priceMinor, slot.quantity)
    else { return false }
    try fillRest(&slot)
    return true
  }

  /// Looks for the values of single fields; false: there is something wrong, of which `fill` tells the first.
  @inline(never) private mutating func search(_ searched: SlotFields, _ slot: inout EventSlot) -> Bool {
    if searched.contains(.time) { return false }
    do throws(Rejection) {
      try take(searched, row: 0, &slot)
      return true
    } catch {
      return false
    }
  }

  /// Takes the currency, which prices depend on; false: it cannot be read.
  @inline(__always) private mutating func takeCurrency(_ slot: inout EventSlot) -> Bool {
    if !mayHave(fields.currency) {
      if let defaultCurrency { slot.currency = defaultCurrency }
      return true
    }
    do throws(Rejection) {
      slot.currency = try currency(row: 0)
      return true
    } catch {
      return false
    }
  }

  @inline(__always) private mutating func takeTime(
    _ value: FoundValue, _ unit: SourceUnit, _ slot: inout EventSlot
  ) -> Bool {
    let time: Int64
    if unit == .iso8601 {
      guard value.kind == .string, let read = TimeText.milliseconds(value.text) else { return false }
      time = read
    } else {
      guard let decimal = value.quickDecimal,
        let read = decimal.quicklyScaled(byPowerOfTen: unit.powerToMilliseconds, roundsDown: true)
      else { return false }
      time = read
    }
    guard time >= DecoderLimits.minimumTime, time <= DecoderLimits.maximumTime,
      recordTimestamp < 0 || time - limits.maximumFutureSkewMilliseconds <= recordTimestamp
    else { return false }
    slot.ts = time
    return true
  }
}

extension FoundValue {
  /// The number that a JSON number or a text writes, without its sign; nil: none, or one below 0.
  @inline(__always) fileprivate var quickDecimal: DecimalText? {
    let decimal: DecimalText
    if let read = self.decimal {
      decimal = read
    } else {
      guard kind == .string, let read = DecimalText(text) else { return nil }
      decimal = read
    }
    return decimal.isNegative && decimal.digits != 0 || decimal.isCut ? nil : decimal
  }
}

extension DecimalText {
  /// As `scaled`, of what comes to a whole number in few steps; nil: anything else.
  @inline(__always) fileprivate func quicklyScaled(byPowerOfTen power: Int, roundsDown: Bool = false)
    -> Int64?
  {
    if digits > UInt64(Int64.max) { return nil }
    let shift = exponent + power
    if shift == 0 { return Int64(digits) }
    if digits == 0 { return 0 }
    if shift > 0, shift <= 6 {
      let (product, overflow) = Int64(digits).multipliedReportingOverflow(by: Self.quickPower(shift))
      return overflow ? nil : product
    }
    return roundsDown && shift >= -6 && shift < 0 ? Int64(digits) / Self.quickPower(-shift) : nil
  }

  private static func quickPower(_ exponent: Int) -> Int64 {
    switch exponent {
    case 1: 10
    case 2: 100
    case 3: 1_000
    case 4: 10_000
    case 5: 100_000
    default: 1_000_000
    }
  }
}

extension EventSlot {
  /// A text, or a whole number's digits; false: neither, or too long.
  @inline(__always) fileprivate mutating func takeIdentifier(_ value: FoundValue, _ field: TextField) -> Bool
  {
    guard value.kind == .string || value.isWholeNumber,
      value.text.count <= Event.maximumIdentifierBytes
    else { return false }
    setText(field, append(value.text))
    return true
  }

  @inline(__always) fileprivate mutating func takeText(_ value: FoundValue, _ field: TextField) -> Bool {
    guard value.kind == .string || value.kind == .number else { return false }
    setText(field, append(value.text))
    return true
  }

  @inline(__always) fileprivate mutating func takeNumber(
    _ value: FoundValue, _ field: NumberField, power: Int, maximum: Int64
  ) -> Bool {
    guard let number = value.quickDecimal?.quicklyScaled(byPowerOfTen: power), number <= maximum else {
      return false
    }
    setNumber(field, number)
    return true
  }

  @inline(__always) fileprivate mutating func takeRating(_ value: FoundValue) -> Bool {
    guard value.kind == .number, value.decimal != nil, abs(value.number) <= DecoderLimits.maximumRating else {
      return false
    }
    rating = value.number
    return true
  }
}
