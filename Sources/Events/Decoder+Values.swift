// Finding a field's value among its sources, and turning what was found into what the event holds.
extension Decoder {
  /// The first source that is present, with its number; or nil.
  @inline(__always)
  mutating func first(_ range: CompiledRange, row: Int) throws(Rejection) -> (
    value: FoundValue, source: Int32
  )? {
    // Most fields are absent from most records: one look at all of their places together.
    if range.captures & present == 0 { return nil }
    // And most that are there stand where they are looked for first.
    if range.direct >= 0 {
      let value = reader.value(range.direct)
      if value.isPresent { return (value, range.start) }
    }
    return search(range, row: row)
  }

  /// Whether the record may have the field at all; if not, there is nothing to look for.
  @inline(__always) func mayHave(_ range: CompiledRange) -> Bool { range.captures & present != 0 }

  @inline(never) private mutating func search(_ range: CompiledRange, row: Int) -> (
    value: FoundValue, source: Int32
  )? {
    var index = range.start
    while index < range.end {
      let value = find(index, row: row)
      if value.isPresent, sources[Int(index)].isPlain || isTaken(value, index, row: row) {
        return (value, index)
      }
      index += 1
    }
    return nil
  }

  /// Whether a value that is there is not one that means "missing", and its source's condition holds.
  private mutating func isTaken(_ value: FoundValue, _ source: Int32, row: Int) -> Bool {
    let condition = sources[Int(source)].condition
    return !isMissing(value, sources[Int(source)].missing) && (condition < 0 || holds(condition, row: row))
  }

  @inline(__always)
  mutating func find(_ source: Int32, row: Int) -> FoundValue {
    switch sources[Int(source)].place {
    case .value(let capture): return reader.value(capture)
    case .row(let group, let column): return reader.value(group, column: column, row: row)
    case .element(let group, let column, let index):
      return reader.value(group, column: column, row: Int(index))
    case .column(let column):
      let place = columns[Int(column)]
      return place < 0 ? reader.absent : scanner.value(Int(place))
    case .columnNumber(let place):
      return place < scanner.count ? scanner.value(Int(place)) : reader.absent
    // The time reads the record's clock itself; presence is all that counts here.
    case .constant, .recordKey, .recordTimestamp: return own[Int(source)]
    }
  }

  /// A text of the mapping itself. The compiled mapping owns it for as long as the decoder lives.
  @inline(__always) func constant(_ range: TextRange) -> RawText {
    texts.text(range)
  }

  private mutating func isMissing(_ value: FoundValue, _ range: CompiledRange) -> Bool {
    if range.isEmpty || (value.kind != .string && value.kind != .number) { return false }
    for index in range.start..<range.end {
      let missing = missing[Int(index)]
      if value.text.isEqual(to: constant(missing.text)) { return true }
      if let number = missing.decimal, let found = DecimalText(value.text), found.isSameNumber(as: number) {
        return true
      }
    }
    return false
  }

  /// Whether a condition holds. A JSON boolean equals the texts `true` and `false`.
  mutating func holds(_ number: Int32, row: Int) -> Bool {
    let condition = conditions[Int(number)]
    let value = find(condition.source, row: row)
    guard value.isPresent else { return false }
    guard let equals = condition.equals else { return true }
    let wanted = constant(equals)
    switch value.kind {
    case .true: return wanted.isEqual(to: "true")
    case .false: return wanted.isEqual(to: "false")
    default: return value.text.isEqual(to: wanted)
    }
  }

  /// A refusal that names the source, and the element of a list that it stands in.
  func refuse(_ reason: RejectReason, _ source: Int32, row: Int) -> Rejection {
    let name = label(sources[Int(source)].label)
    guard case .row = sources[Int(source)].place, let star = name.firstRange(of: "[*]") else {
      return Rejection(reason, at: name)
    }
    return Rejection(reason, at: name.replacingCharacters(in: star, with: "[\(row)]"))
  }

  // MARK: Conversions

  /// An identifier: a text, or a whole number's digits.
  @inline(__always) mutating func identifier(_ range: CompiledRange, row: Int) throws(Rejection) -> RawText? {
    guard mayHave(range) else { return nil }
    return try presentIdentifier(range, row: row)
  }

  @inline(never)
  private mutating func presentIdentifier(_ range: CompiledRange, row: Int) throws(Rejection) -> RawText? {
    guard let (value, source) = try first(range, row: row) else { return nil }
    switch value.kind {
    case .string: break
    case .number:
      for index in 0..<value.text.count {
        let byte = value.text[index]
        guard byte >= 0x30 && byte <= 0x39 || (index == 0 && byte == UInt8(ascii: "-")) else {
          throw refuse(.wrongType, source, row: row)
        }
      }
    default: throw refuse(.wrongType, source, row: row)
    }
    guard value.text.count <= Event.maximumIdentifierBytes else {
      throw refuse(.identifierTooLong, source, row: row)
    }
    return value.text
  }

  /// A free text; a number is taken as it is written.
  @inline(__always) mutating func text(_ range: CompiledRange, row: Int) throws(Rejection) -> RawText? {
    guard mayHave(range) else { return nil }
    return try presentText(range, row: row)
  }

  @inline(never)
  private mutating func presentText(_ range: CompiledRange, row: Int) throws(Rejection) -> RawText? {
    guard let (value, source) = try first(range, row: row) else { return nil }
    guard value.kind == .string || value.kind == .number else { throw refuse(.wrongType, source, row: row) }
    return value.text
  }

  /// The number that a text or a JSON number writes.
  @inline(__always) private mutating func decimal(
    _ value: FoundValue, _ source: Int32, row: Int, orElse reason: RejectReason = .invalidNumber
  ) throws(Rejection) -> DecimalText {
    guard value.kind == .string || value.kind == .number else { throw refuse(.wrongType, source, row: row) }
    if let decimal = value.decimal { return decimal }
    guard let decimal = DecimalText(value.text) else { throw refuse(reason, source, row: row) }
    return decimal
  }

  @inline(__always) private mutating func scaled(
    _ decimal: DecimalText, _ power: Int, _ rounding: DecimalText.Rounding, fraction: RejectReason,
    maximum: Int64, _ source: Int32, row: Int
  ) throws(Rejection) -> Int64 {
    // Whole numbers in the unit that is wanted, as most records write them.
    if decimal.exponent + power == 0, !decimal.isCut, decimal.digits <= UInt64(maximum) {
      return Int64(decimal.digits)
    }
    return try scaledSlowly(decimal, power, rounding, fraction: fraction, maximum: maximum, source, row: row)
  }

  @inline(never)
  private mutating func scaledSlowly(
    _ decimal: DecimalText, _ power: Int, _ rounding: DecimalText.Rounding, fraction: RejectReason,
    maximum: Int64, _ source: Int32, row: Int
  ) throws(Rejection) -> Int64 {
    let result: UInt64
    do {
      result = try decimal.scaled(byPowerOfTen: power, rounding)
    } catch {
      throw refuse(error == .tooLarge ? .outOfRange : fraction, source, row: row)
    }
    guard result <= UInt64(maximum) else { throw refuse(.outOfRange, source, row: row) }
    return Int64(result)
  }

  /// The event's time, ms.
  mutating func time(row: Int) throws(Rejection) -> Int64 {
    guard let (value, source) = try first(fields.ts, row: row) else {
      throw Rejection(.missingTime, at: tried(fields.ts))
    }
    let time: Int64
    let unit = sources[Int(source)].unit
    if case .recordTimestamp = sources[Int(source)].place {
      time = recordTimestamp
    } else if unit == .iso8601 {
      guard value.kind == .string else { throw refuse(.wrongType, source, row: row) }
      guard let read = TimeText.milliseconds(value.text) else { throw refuse(.invalidTime, source, row: row) }
      time = read
    } else {
      let decimal = try decimal(value, source, row: row, orElse: .invalidTime)
      if decimal.isNegative, decimal.digits != 0 { throw refuse(.timeTooOld, source, row: row) }
      time = try scaled(
        decimal, unit.powerToMilliseconds, .down, fraction: .invalidTime, maximum: .max, source,
        row: row)
    }
    guard time >= DecoderLimits.minimumTime else { throw refuse(.timeTooOld, source, row: row) }
    if recordTimestamp >= 0, time > recordTimestamp.addingSaturating(limits.maximumFutureSkewMilliseconds) {
      throw refuse(.timeInFuture, source, row: row)
    }
    guard time <= DecoderLimits.maximumTime else { throw refuse(.outOfRange, source, row: row) }
    return time
  }

  /// A time spent, ms.
  @inline(__always) mutating func dwell(row: Int) throws(Rejection) -> Int64? {
    guard mayHave(fields.dwell) else { return nil }
    return try presentDwell(row: row)
  }

  @inline(never) private mutating func presentDwell(row: Int) throws(Rejection) -> Int64? {
    guard let (value, source) = try first(fields.dwell, row: row) else { return nil }
    let decimal = try decimal(value, source, row: row)
    if decimal.isNegative, decimal.digits != 0 { throw refuse(.negativeDwell, source, row: row) }
    return try scaled(
      decimal, sources[Int(source)].unit.powerToMilliseconds, .halfUp, fraction: .invalidNumber,
      maximum: DecoderLimits.maximumDwellMilliseconds, source, row: row)
  }

  /// An amount of money, minor units. Major units are converted from their text and rounded half up: shops
  /// write 0.30000000000000004 where they mean 0.3.
  @inline(__always) mutating func money(
    _ range: CompiledRange, _ currency: Currency?, negative: RejectReason, row: Int
  ) throws(Rejection) -> Int64? {
    guard mayHave(range) else { return nil }
    return try presentMoney(range, currency, negative: negative, row: row)
  }

  @inline(never) private mutating func presentMoney(
    _ range: CompiledRange, _ currency: Currency?, negative: RejectReason, row: Int
  ) throws(Rejection) -> Int64? {
    guard let (value, source) = try first(range, row: row) else { return nil }
    let decimal = try decimal(value, source, row: row)
    if decimal.isNegative, decimal.digits != 0 { throw refuse(negative, source, row: row) }
    let isMajor = sources[Int(source)].unit == .major
    return try scaled(
      decimal, isMajor ? currency?.minorDigits ?? 2 : 0, isMajor ? .halfUp : .none,
      fraction: .fractionalMinorUnits, maximum: DecoderLimits.maximumMoneyMinor, source, row: row)
  }

  @inline(__always) mutating func quantity(_ range: CompiledRange, row: Int) throws(Rejection) -> Int64? {
    guard mayHave(range) else { return nil }
    return try presentQuantity(range, row: row)
  }

  @inline(never) private mutating func presentQuantity(_ range: CompiledRange, row: Int) throws(Rejection)
    -> Int64?
  {
    guard let (value, source) = try first(range, row: row) else { return nil }
    let decimal = try decimal(value, source, row: row)
    if decimal.isNegative, decimal.digits != 0 { throw refuse(.negativeQuantity, source, row: row) }
    let quantity = try scaled(
      decimal, 0, .none, fraction: .fractionalQuantity, maximum: DecoderLimits.maximumQuantity, source,
      row: row)
    guard quantity > 0 else { throw refuse(.outOfRange, source, row: row) }
    return quantity
  }

  mutating func currency(row: Int) throws(Rejection) -> Currency? {
    guard let (value, source) = try first(fields.currency, row: row) else {
      return defaultCurrency
    }
    guard value.kind == .string else { throw refuse(.wrongType, source, row: row) }
    guard value.text.count == 3, let currency = unsafe Currency(value.text.buffer) else {
      throw refuse(.unknownCurrency, source, row: row)
    }
    return currency
  }

  @inline(__always) mutating func rating(row: Int) throws(Rejection) -> Double? {
    guard mayHave(fields.rating) else { return nil }
    return try presentRating(row: row)
  }

  @inline(never) private mutating func presentRating(row: Int) throws(Rejection) -> Double? {
    guard let (value, source) = try first(fields.rating, row: row) else { return nil }
    let written = try decimal(value, source, row: row)
    guard let number = value.kind == .number ? value.number : written.double,
      abs(number) <= DecoderLimits.maximumRating
    else { throw refuse(.outOfRange, source, row: row) }
    return number
  }

  /// What was looked for, for the place of something that is missing.
  func tried(_ range: CompiledRange, _ more: CompiledRange = CompiledRange()) -> String {
    var names: [String] = []
    for index in range.start..<range.end { names.append(label(sources[Int(index)].label)) }
    for index in more.start..<more.end { names.append(label(sources[Int(index)].label)) }
    return names.joined(separator: ", ")
  }
}

extension SourceUnit {
  var powerToMilliseconds: Int {
    switch self {
    case .seconds: 3
    case .microseconds: -3
    default: 0
    }
  }
}

extension Int64 {
  fileprivate func addingSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension String {
  fileprivate func firstRange(of other: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }

  fileprivate func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
    self[..<range.lowerBound] + other + self[range.upperBound...]
  }
}
