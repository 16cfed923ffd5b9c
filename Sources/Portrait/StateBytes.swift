import Events

// The alphabet of stored state. Every value has exactly one spelling: what a reader accepts, a writer would have
// written, so that equal states have equal bytes.

/// The units in which spans are told: the largest that divides a span without remainder.
enum SpanUnit {
  /// 1 ms, 1 s, 5 min, 1 day.
  static let milliseconds: [4 of Int64] = [1, 1_000, 300_000, 86_400_000]

  /// A span in its unit, and which one that is.
  @inline(__always) static func split(_ span: Int64) -> (amount: Int64, unit: Int) {
    // Divisors that the compiler knows, each a part of the one before.
    let seconds = span / 1_000
    if seconds &* 1_000 != span || span == 0 { return (span, 0) }
    let steps = seconds / 300
    if steps &* 300 != seconds { return (seconds, 1) }
    let days = steps / 288
    return days &* 288 == steps ? (days, 3) : (steps, 2)
  }
}

/// Times that state may hold reach so far from 1970, milliseconds: no sum of a few of them overflows, and the
/// decoder of events stays far below.
package let farthestTime: Int64 = 1 << 56

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
    if overflow || SpanUnit.split(span).unit != unit { throw malformed("a span is misspelt") }
    return try checked(base &+ span)
  }

  private func checked(_ time: Int64) throws(StateError) -> Int64 {
    if time > farthestTime || time < -farthestTime { throw malformed("a time is out of range") }
    return time
  }
}
