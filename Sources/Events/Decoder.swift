/// What a decoder refuses.
public struct DecoderLimits: Sendable, Hashable {
  /// Records with more bytes are refused before they are parsed.
  public var maximumRecordBytes: Int
  /// Nested objects and lists, the record itself included; at most 64.
  public var maximumDepth: Int
  /// How far an event may be dated after its record, ms.
  public var maximumFutureSkewMilliseconds: Int64

  public init(
    maximumRecordBytes: Int = 1_048_576, maximumDepth: Int = 32,
    maximumFutureSkewMilliseconds: Int64 = 5 * Milliseconds.minute
  ) {
    self.maximumRecordBytes = maximumRecordBytes
    self.maximumDepth = maximumDepth
    self.maximumFutureSkewMilliseconds = maximumFutureSkewMilliseconds
  }

  /// The earliest accepted event time: 10^9 s (2001-09-09), ms. What lies before is a wrong unit or a number
  /// that was cut off.
  public static let minimumTime: Int64 = 1_000_000_000_000
  /// The latest: the end of the year 9999, ms.
  public static let maximumTime: Int64 = 253_402_300_799_999
  /// The largest price, value, and price × quantity of one item, minor units. With at most 200 items no sum
  /// over one event comes near the end of Int64.
  public static let maximumMoneyMinor: Int64 = 10_000_000_000_000
  public static let maximumQuantity: Int64 = 1_000_000
  /// The longest time spent that one event may report, ms: 31 days.
  public static let maximumDwellMilliseconds: Int64 = 31 * Milliseconds.day
  /// Ratings lie between this and its negative.
  public static let maximumRating: Double = 1_000_000
}

/// Turns the bytes of records into events, by one mapping.
///
/// Owned by one thread. It keeps what it allocated: once its buffers and the slot's have grown to the largest
/// record, decoding allocates nothing; only a refusal does, for its place. Records come in, slots go out;
/// nothing of a record is remembered from one to the next.
public struct Decoder: ~Copyable {
  public let mapping: Mapping
  public let limits: DecoderLimits

  let compiled: CompiledMapping
  /// What the hot path reads of `compiled`. One entry, in memory of its own: read in place, never copied.
  private let fieldTable: PlainTable<CompiledFields>
  var fields: CompiledFields {
    @inline(__always) unsafeAddress { unsafe fieldTable.place }
  }
  let sources: PlainTable<CompiledSource>
  let missing: PlainTable<CompiledMissing>
  let conditions: PlainTable<CompiledCondition>
  let rules: PlainTable<CompiledRule>
  let ruleTable: PlainTable<Int32>
  let items: PlainTable<CompiledItems>
  let texts: PlainTable<UInt8>
  let defaultCurrency: Currency?
  let quick: QuickPlan
  /// Fields that the mapping says anything of.
  let mapped: SlotFields
  /// Sources that take the record's key, and its clock.
  private var keySources: [Int] = []
  private var clockSources: [Int] = []
  private let isSplit: Bool
  let reader: JSONReader
  var scanner = RowScanner()
  /// The file's header, or the one that the mapping's columns make, for records that repeat it.
  private var header: [UInt8] = []
  /// Where each of the mapping's columns stands in a row; -1: nowhere.
  private(set) var columns: [Int32] = []
  private(set) var columnCount = 0
  private let layout: RowLayout?

  /// Of the record that is being decoded.
  private var keyText = SlotBlock<UInt8>(capacity: 480, slack: 32)
  var recordTimestamp: Int64 = -1
  /// By source: the values of constants, and of the record's key and clock.
  private(set) var own: PlainValues
  /// The element of a split record.
  var element = 0
  /// What the record has, as `CompiledRange.captures` asks.
  var present = CompiledRange.always
  /// Off: for whoever holds both ways to fill a slot to each other.
  private var fillsQuickly = true
  /// Events that were filled without a search.
  package private(set) var quicklyFilled = 0

  public init(mapping: Mapping, limits: DecoderLimits = DecoderLimits()) {
    self.mapping = mapping
    self.limits = limits
    compiled = mapping.compiled
    fieldTable = PlainTable([compiled.fields])
    sources = PlainTable(compiled.sources)
    missing = PlainTable(compiled.missing)
    conditions = PlainTable(compiled.conditions)
    rules = PlainTable(compiled.rules)
    ruleTable = PlainTable(compiled.ruleTable)
    items = PlainTable(compiled.items)
    texts = PlainTable(compiled.texts, slack: 32)
    own = PlainValues(count: compiled.sources.count)
    for (index, source) in compiled.sources.enumerated() {
      switch source.place {
      case .constant(let range): own.set(index, texts.text(range))
      case .recordKey: keySources.append(index)
      case .recordTimestamp: clockSources.append(index)
      default: break
      }
    }
    isSplit = compiled.splitGroup >= 0
    quick = QuickPlan(compiled, isJSON: mapping.rows == nil)
    mapped = compiled.fields.mapped
    defaultCurrency = mapping.definition.defaultCurrency
    layout = mapping.rows
    reader = JSONReader(maximumBytes: limits.maximumRecordBytes, maximumDepth: limits.maximumDepth)
    compiled.prepare(reader)
    if let layout {
      columns = Array(0..<Int32(layout.columns.count))
      columnCount = layout.columns.count
      if layout.hasHeader {
        let delimiter = String(Unicode.Scalar(layout.delimiter))
        header = Array(layout.columns.joined(separator: delimiter).utf8)
      }
    }
  }

  /// Takes the header line of a file, which may name the columns in another order or leave some out.
  ///
  /// Throws `missing_column` if the event's name, the time or every user can then not be found.
  public mutating func useHeader(_ line: UnsafeRawBufferPointer) throws(Rejection) {
    guard let layout else { return }
    let line = unsafe RawText(line).trimmedLine()
    try scanner.scan(line, delimiter: layout.delimiter, quoted: layout.quoted)
    var names: [String] = []
    for index in 0..<scanner.count { names.append(scanner.value(index).text.string) }
    let found = layout.columns.map { Int32(names.firstIndex(of: $0) ?? -1) }
    let fields = compiled.fields
    let users = [fields.userID, fields.anonymousID]
    for ranges in [[fields.eventName], [fields.ts], users] {
      let sources = ranges.flatMap { compiled.sources[Int($0.start)..<Int($0.end)] }
      let isFound = sources.contains {
        if case .column(let column) = $0.place { found[Int(column)] >= 0 } else { true }
      }
      guard isFound else {
        let wanted = sources.map { compiled.labels[Int($0.label)] }.joined(separator: ", ")
        throw Rejection(.missingColumn, at: wanted)
      }
    }
    columns = found
    columnCount = names.count
    header = unsafe Array(line.buffer)
  }

  /// Decodes one record.
  ///
  /// - Parameters:
  ///   - payload: the record's value; nil for a null value.
  ///   - key: the record's key, if it has one.
  ///   - recordTimestamp: the record's clock, ms since 1970 UTC; negative if unknown: then nothing is dated in
  ///     the future, and no mapping can take its time from it.
  ///   - slot: receives the event. After a refusal it is empty.
  public mutating func decode(
    payload: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer? = nil, recordTimestamp: Int64,
    into slot: inout EventSlot
  ) -> DecodeOutcome {
    slot.clear()
    do throws(Rejection) {
      guard !isSplit else { throw Rejection(.filesOnly, at: "") }
      guard try unsafe begin(payload, key, recordTimestamp) else { return .ignored }
      if fillsQuickly, try fillQuickly(&slot) {
        quicklyFilled &+= 1
        return .event
      }
      slot.clear()
      return try fill(&slot) ? .event : .ignored
    } catch {
      slot.clear()
      return .rejected(error)
    }
  }

  /// As above, for callers that own their bytes.
  public mutating func decode(
    _ payload: [UInt8]?, key: [UInt8]? = nil, recordTimestamp: Int64, into slot: inout EventSlot
  ) -> DecodeOutcome {
    guard let payload else {
      return unsafe decode(payload: nil, recordTimestamp: recordTimestamp, into: &slot)
    }
    return unsafe payload.withUnsafeBytes { payload in
      guard let key else {
        return unsafe decode(payload: payload, recordTimestamp: recordTimestamp, into: &slot)
      }
      return unsafe key.withUnsafeBytes { key in
        unsafe decode(
          payload: payload, key: key, recordTimestamp: recordTimestamp, into: &slot)
      }
    }
  }

  /// Decodes one line of a file into all its events, in order: one, unless the mapping splits its records.
  ///
  /// `body` is called once an event, with the slot that holds it; a refusal of the whole line calls it once.
  public mutating func decodeEach(
    payload: UnsafeRawBufferPointer?, key: UnsafeRawBufferPointer? = nil, recordTimestamp: Int64,
    into slot: inout EventSlot, _ body: (inout EventSlot, DecodeOutcome) -> Void
  ) {
    guard isSplit else {
      let outcome = unsafe decode(payload: payload, key: key, recordTimestamp: recordTimestamp, into: &slot)
      return body(&slot, outcome)
    }
    let list: (count: Int, total: Int, kind: FoundValue.Kind)
    do throws(Rejection) {
      _ = try unsafe begin(payload, key, recordTimestamp)
      list = reader.rows(compiled.splitGroup)
      guard list.kind == .array else {
        throw Rejection(list.kind.rawValue <= 1 ? .missingItems : .wrongType, at: label(compiled.splitLabel))
      }
      guard list.count == list.total else { throw Rejection(.tooManyItems, at: label(compiled.splitLabel)) }
    } catch {
      slot.clear()
      return body(&slot, .rejected(error))
    }
    for index in 0..<list.count {
      element = index
      slot.clear()
      var outcome: DecodeOutcome
      do throws(Rejection) {
        outcome = try fill(&slot) ? .event : .ignored
      } catch {
        slot.clear()
        outcome = .rejected(error)
      }
      body(&slot, outcome)
    }
  }

  /// Reads a record's text; false: it is a header.
  private mutating func begin(
    _ payload: UnsafeRawBufferPointer?, _ key: UnsafeRawBufferPointer?, _ recordTimestamp: Int64
  ) throws(Rejection) -> Bool {
    guard let payload = unsafe payload else { throw Rejection(.nullValue, at: "") }
    for source in keySources.indices { unsafe takeKey(key, keySources[source]) }
    for source in clockSources.indices {
      own.set(clockSources[source], recordTimestamp < 0 ? FoundValue.Kind.absent : .number)
    }
    self.recordTimestamp = recordTimestamp
    element = 0
    let text = unsafe RawText(payload)
    guard text.count <= limits.maximumRecordBytes else {
      throw Rejection(.tooLarge, at: "\(text.count) bytes")
    }
    guard let layout else {
      try reader.extract(text)
      present = reader.present | CompiledRange.always
      return true
    }
    let row = text.trimmedLine()
    guard row.count > 0 else { throw Rejection(.empty, at: "") }
    if layout.hasHeader, isHeader(row) { return false }
    guard isUTF8(row) else { throw Rejection(.invalidUTF8, at: "") }
    try scanner.scan(row, delimiter: layout.delimiter, quoted: layout.quoted)
    guard scanner.count >= columnCount else {
      throw Rejection(.tooFewColumns, at: "column \(scanner.count) of \(columnCount) is the last")
    }
    guard scanner.count == columnCount else {
      throw Rejection(.tooManyColumns, at: "column \(columnCount + 1) of \(scanner.count)")
    }
    return true
  }

  /// Copied, for texts are read beyond their end.
  private mutating func takeKey(_ key: UnsafeRawBufferPointer?, _ source: Int) {
    keyText.count = 0
    if let key = unsafe key, let base = key.baseAddress {
      unsafe keyText.append(from: base.assumingMemoryBound(to: UInt8.self), count: key.count)
    }
    unsafe own.set(source, RawText(keyText.view.raw))
  }

  private func isHeader(_ row: RawText) -> Bool {
    guard row.count == header.count else { return false }
    for index in 0..<row.count where row[index] != header[index] { return false }
    return true
  }

  func label(_ number: Int32) -> String { compiled.labels[Int(number)] }
}

extension Decoder {
  /// Whether records are walked the quick way first; both ways give the same. For whoever compares them.
  package func usesQuickWalk(_ uses: Bool) { reader.useQuickWalk(uses) }

  /// Whether plain records are filled without a search; both ways give the same. For whoever compares them.
  package mutating func usesQuickFill(_ uses: Bool) { fillsQuickly = uses }
}
