import Events

// The alphabet of stored state. Every value has exactly one spelling: what a reader accepts, a writer would have
// written, so that equal states have equal bytes.

/// The units in which spans are told: the largest that divides a span without remainder.
enum SpanUnit {
  /// 1 ms, 1 s, 5 min, 1 day.
  static let milliseconds: [4 of Int64] = [1, 1_000, 300_000, 86_400_000]

  static func index(_ span: Int64) -> Int {
    if span % milliseconds[1] != 0 || span == 0 { return 0 }
    if span % milliseconds[2] != 0 { return 1 }
    return span % milliseconds[3] == 0 ? 3 : 2
  }
}

/// Times that state may hold reach so far from 1970, milliseconds: no sum of a few of them overflows, and the
/// decoder of events stays far below.
package let farthestTime: Int64 = 1 << 56

/// Appends values to bytes. One writer serves many records: `removeAll` keeps its memory.
public struct StateWriter: Sendable {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  public init() {}

  public var count: Int { bytes.count }

  /// Empties the writer and keeps its memory.
  public mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
  }

  public mutating func byte(_ value: UInt8) {
    bytes.append(value)
  }

  /// LEB128: seven bits a byte, lowest first.
  public mutating func unsigned(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// A count or an index; must not be negative.
  public mutating func count(_ value: Int) {
    unsigned(UInt64(value))
  }

  /// Zigzag, so that small negative numbers are short too.
  public mutating func signed(_ value: Int64) {
    unsigned(UInt64(bitPattern: value << 1 ^ value >> 63))
  }

  /// Four bytes, lowest first.
  public mutating func fixed32(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Eight bytes, lowest first.
  public mutating func fixed64(_ value: UInt64) {
    fixed32(UInt32(truncatingIfNeeded: value))
    fixed32(UInt32(truncatingIfNeeded: value >> 32))
  }

  /// The bit pattern, eight bytes.
  public mutating func double(_ value: Double) {
    fixed64(value.bitPattern)
  }

  /// UTF-8 with its length before it.
  public mutating func string(_ text: String) {
    count(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  /// Bytes as they are, without a length.
  public mutating func raw(_ more: some Collection<UInt8>) {
    bytes.append(contentsOf: more)
  }

  /// Bytes as they are, without a length.
  public mutating func raw(_ more: UnsafeRawBufferPointer) {
    unsafe bytes.append(contentsOf: more)
  }

  /// Three letters.
  package mutating func currency(_ currency: Currency) {
    for shift in [UInt32(16), 8, 0] { bytes.append(UInt8(truncatingIfNeeded: currency.code >> shift)) }
  }

  /// A time as its distance from another.
  package mutating func time(_ time: Int64, from base: Int64) {
    signed(time &- base)
  }

  /// As `time`, where the distance is likely to be a round one.
  package mutating func span(_ time: Int64, from base: Int64) {
    let span = time &- base
    let unit = SpanUnit.index(span)
    let amount = span / SpanUnit.milliseconds[unit]
    unsigned(UInt64(bitPattern: amount << 1 ^ amount >> 63) << 2 | UInt64(unit))
  }
}

/// Reads values out of bytes that somebody else owns: valid as long as they are, and not a moment longer. Reads
/// are bounds-checked; nothing is copied but the strings and lists that the values themselves are.
@safe public struct StateReader {
  private let bytes: UnsafeRawBufferPointer
  private let size: Int
  /// Bytes read so far.
  public private(set) var place: Int

  /// - Parameters:
  ///   - bytes: must outlive the reader.
  ///   - place: where to begin.
  public init(_ bytes: UnsafeRawBufferPointer, from place: Int = 0) {
    precondition(place >= 0 && place <= bytes.count)
    unsafe self.bytes = bytes
    size = bytes.count
    self.place = place
  }

  /// Reads one value that fills `bytes` to the end.
  public static func read<Value>(
    _ bytes: [UInt8], _ body: (inout StateReader) throws(StateError) -> Value
  ) throws(StateError) -> Value {
    let result = unsafe bytes.withUnsafeBytes { buffer in
      Result { () throws(StateError) -> Value in
        var reader = unsafe StateReader(buffer)
        let value = try body(&reader)
        try reader.end()
        return value
      }
    }
    return try result.get()
  }

  /// Bytes that are not read yet.
  public var rest: Int { size - place }

  /// Throws if bytes are left.
  public func end() throws(StateError) {
    if rest > 0 { throw StateError(.excess, "\(rest) bytes follow the end of the value", place: place) }
  }

  /// The error for a value that this format does not write, at the present place.
  @inline(never)
  public func malformed(_ what: StaticString) -> StateError {
    StateError(.malformed, "\(what)", place: place)
  }

  @inline(never)
  private func truncated() -> StateError {
    StateError(.truncated, "the bytes end within a value", place: size)
  }

  public mutating func byte() throws(StateError) -> UInt8 {
    guard place < size else { throw truncated() }
    let value = unsafe bytes[place]
    place += 1
    return value
  }

  /// See `StateWriter.unsigned`. Longer spellings than needed are refused.
  public mutating func unsigned() throws(StateError) -> UInt64 {
    // Most numbers in a state are below 128.
    if place < size, case let first = unsafe bytes[place], first < 0x80 {
      place += 1
      return UInt64(first)
    }
    return try several()
  }

  /// A number of more than one byte.
  @inline(never)
  private mutating func several() throws(StateError) -> UInt64 {
    var value = UInt64(try byte() & 0x7F)
    var shift: UInt64 = 7
    while true {
      let next = try byte()
      if next == 0 || shift == 63 && next > 1 { throw malformed("a number is misspelt") }
      value |= UInt64(next & 0x7F) << shift
      if next < 0x80 { return value }
      shift += 7
    }
  }

  public mutating func signed() throws(StateError) -> Int64 {
    let value = try unsigned()
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  /// A number below `bound`: flags, counts.
  public mutating func unsigned(below bound: UInt64) throws(StateError) -> UInt64 {
    let value = try unsigned()
    if value >= bound { throw malformed("a number is beyond its bound") }
    return value
  }

  /// A count of elements, at most `maximum` and no more than there are bytes left for, each taking `each` at
  /// least: what is read can reserve no memory out of proportion to the bytes.
  public mutating func count(_ maximum: Int, each: Int = 1) throws(StateError) -> Int {
    let count = Int(try unsigned(below: UInt64(maximum) + 1))
    if count > rest / each { throw truncated() }
    return count
  }

  public mutating func fixed32() throws(StateError) -> UInt32 {
    guard rest >= 4 else { throw truncated() }
    let value = unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
    place += 4
    return UInt32(littleEndian: value)
  }

  public mutating func fixed64() throws(StateError) -> UInt64 {
    guard rest >= 8 else { throw truncated() }
    let value = unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
    place += 8
    return UInt64(littleEndian: value)
  }

  public mutating func double() throws(StateError) -> Double {
    Double(bitPattern: try fixed64())
  }

  /// UTF-8 with its length before it.
  public mutating func string() throws(StateError) -> String {
    try string(bytes: try count(.max - 1))
  }

  /// So many bytes of UTF-8.
  public mutating func string(bytes count: Int) throws(StateError) -> String {
    guard count >= 0, rest >= count else { throw truncated() }
    let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    if unsafe Self.isASCII(slice) {
      place += count
      return unsafe String(decoding: slice, as: UTF8.self)
    }
    guard let text = unsafe String(validating: slice, as: UTF8.self) else {
      throw malformed("a text is not UTF-8")
    }
    place += count
    return text
  }

  /// UTF-8 with its length before it, put behind other bytes.
  package mutating func appendText(to bytes: inout [UInt8]) throws(StateError) {
    let size = try count(.max - 1)
    let start = place
    try skipString(bytes: size)
    unsafe bytes.append(contentsOf: self.bytes[start..<start + size])
  }

  /// Passes over so many bytes of UTF-8.
  package mutating func skipString(bytes count: Int) throws(StateError) {
    guard count >= 0, rest >= count else { throw truncated() }
    if unsafe Self.isASCII(UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])) {
      place += count
    } else {
      _ = try string(bytes: count)
    }
  }

  /// Validation in general costs more than all else about a short text; most are ASCII.
  private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var bits: UInt8 = 0
    for index in 0..<bytes.count { unsafe bits |= bytes[index] }
    return bits < 0x80
  }

  /// The next bytes, where they are.
  @unsafe package mutating func slice(_ count: Int) throws(StateError) -> UnsafeRawBufferPointer {
    guard rest >= count else { throw truncated() }
    let slice = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    place += count
    return unsafe slice
  }

  /// See `StateWriter.currency`.
  package mutating func currency() throws(StateError) -> Currency {
    let letters = unsafe try slice(3)
    let code = unsafe UInt32(letters[0]) << 16 | UInt32(letters[1]) << 8 | UInt32(letters[2])
    guard let currency = unsafe Currency(letters), currency.code == code else {
      throw malformed("a currency is not three capital letters")
    }
    return currency
  }

  /// See `StateWriter.time`.
  package mutating func time(from base: Int64) throws(StateError) -> Int64 {
    try checked(base &+ signed())
  }

  /// See `StateWriter.span`.
  package mutating func span(from base: Int64) throws(StateError) -> Int64 {
    let value = try unsigned()
    let unit = Int(value & 3)
    let zigzag = value >> 2
    let amount = Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
    let (span, overflow) = amount.multipliedReportingOverflow(by: SpanUnit.milliseconds[unit])
    if overflow || SpanUnit.index(span) != unit { throw malformed("a span is misspelt") }
    return try checked(base &+ span)
  }

  private func checked(_ time: Int64) throws(StateError) -> Int64 {
    if time > farthestTime || time < -farthestTime { throw malformed("a time is out of range") }
    return time
  }
}
