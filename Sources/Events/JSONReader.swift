import CSimdJSON

/// A value of a record, where the reader (or the scanner of rows) has put it: good until the next record is read.
@safe struct FoundValue {
  enum Kind: UInt8 {
    case absent = 0
    case null, `false`, `true`, number, string, object, array

    /// Of the C reader's number, which is one of these.
    @inline(__always) init(_ code: UInt8) {
      // Eight cases, numbered from 0: their numbers are what stands in memory.
      self = unsafe unsafeBitCast(code & 7, to: Kind.self)
    }
  }

  private let place: UnsafePointer<ebb_value>

  @inline(__always) init(_ place: UnsafePointer<ebb_value>) { unsafe self.place = place }

  @inline(__always) var kind: Kind { unsafe Kind(place.pointee.kind) }

  /// The unescaped text of a string, the characters of a number.
  @inline(__always) var text: RawText { unsafe RawText(place.pointee.text, count: Int(place.pointee.length)) }

  /// The nearest double of a JSON number.
  var number: Double { unsafe place.pointee.number }

  /// The number itself, where the reader has read it exactly.
  @inline(__always) var decimal: DecimalText? {
    guard kind == .number, unsafe place.pointee.has_decimal else { return nil }
    return unsafe DecimalText(
      isNegative: place.pointee.is_negative, digits: place.pointee.digits, scale: Int(place.pointee.scale))
  }

  /// Whether it is a number that is written as digits alone, as far as the reader has read it exactly.
  @inline(__always) var isWholeNumber: Bool {
    unsafe kind == .number && place.pointee.has_decimal && place.pointee.scale == 0
  }

  /// Neither null nor an empty text.
  @inline(__always) var isPresent: Bool {
    switch kind {
    case .absent, .null: false
    case .string: unsafe place.pointee.length > 0
    default: true
    }
  }
}

/// Values that stand in no JSON record: constants, keys, columns.
@safe struct PlainValues: ~Copyable {
  private var base: UnsafeMutablePointer<ebb_value>
  let count: Int

  /// So many absent values.
  init(count: Int) {
    self.count = count
    unsafe base = .allocate(capacity: count)
    unsafe base.initialize(repeating: ebb_value(), count: count)
  }

  deinit { unsafe base.deallocate() }

  @inline(__always) subscript(index: Int) -> FoundValue {
    precondition(index >= 0 && index < count)
    return unsafe FoundValue(base + index)
  }

  /// Makes a value a text; its bytes are not copied.
  @inline(__always) mutating func set(_ index: Int, _ text: RawText) {
    precondition(index >= 0 && index < count)
    unsafe base[index].kind = FoundValue.Kind.string.rawValue
    unsafe base[index].text = text.base
    unsafe base[index].length = UInt32(text.count)
  }

  mutating func set(_ index: Int, _ kind: FoundValue.Kind) {
    precondition(index >= 0 && index < count)
    unsafe base[index].kind = kind.rawValue
  }
}

/// The C reader (see `ebb_json.h`) behind a safe surface: it owns the handle, and what it hands out is used
/// before the next `extract`.
@safe struct JSONReader: ~Copyable {
  private let handle: OpaquePointer
  /// Filled by each `extract`, always at the same place: read without a call.
  private let found: UnsafePointer<ebb_found>
  private let nothing = PlainValues(count: 1)

  init(maximumBytes: Int, maximumDepth: Int) {
    guard let handle = unsafe ebb_json_create(maximumBytes, UInt32(maximumDepth)) else {
      fatalError("out of memory")
    }
    unsafe self.handle = handle
    unsafe found = ebb_json_found(handle)
  }

  deinit { unsafe ebb_json_destroy(handle) }

  // MARK: The plan

  /// The node at the end of a path; nil if the plan cannot take it besides what it has.
  func node(_ steps: ArraySlice<JSONPath.Step>, eachLimit: Int) -> Int32? {
    var node: Int32 = 0
    for step in steps {
      switch step {
      case .key(let key):
        let key = Array(key.utf8)
        node = unsafe key.withUnsafeBufferPointer {
          unsafe ebb_json_key(handle, node, $0.baseAddress, $0.count)
        }
      case .index(let index): node = unsafe ebb_json_index(handle, node, UInt32(index))
      case .each: node = unsafe ebb_json_each(handle, node, UInt32(eachLimit))
      case .select(let key, let value):
        let key = Array(key.utf8)
        let value = Array(value.utf8)
        node = unsafe key.withUnsafeBufferPointer { key in
          unsafe value.withUnsafeBufferPointer { value in
            unsafe ebb_json_select(
              handle, node, key.baseAddress, key.count, value.baseAddress,
              value.count)
          }
        }
      }
      if node < 0 { return nil }
    }
    return node
  }

  func group(of node: Int32) -> Int32 { unsafe ebb_json_group_of(handle, node) }
  func capture(_ node: Int32) -> Int32 { unsafe ebb_json_capture(handle, node) }
  func members(_ node: Int32) -> Int32 { unsafe ebb_json_members(handle, node) }

  // MARK: A record

  /// Reads one record.
  func extract(_ text: RawText) throws(Rejection) {
    if unsafe ebb_json_extract(handle, text.base, text.count) { return }
    let failure = unsafe ebb_json_failure(handle)
    let reason: RejectReason =
      switch unsafe UInt32(bitPattern: failure.code) {
      case EBB_EMPTY.rawValue: .empty
      case EBB_TOO_LARGE.rawValue: .tooLarge
      case EBB_TRUNCATED.rawValue: .truncated
      case EBB_BAD_UTF8.rawValue: .invalidUTF8
      case EBB_LONE_SURROGATE.rawValue: .loneSurrogate
      case EBB_TOO_DEEP.rawValue: .tooDeep
      case EBB_DUPLICATE_KEY.rawValue: .duplicateKey
      case EBB_NUMBER_RANGE.rawValue: .numberOutOfRange
      case EBB_ROOT_NOT_OBJECT.rawValue: .wrongType
      case EBB_ROOT_NULL.rawValue: .nullValue
      case EBB_NO_MEMORY.rawValue: .tooLarge
      default: .notJSON
      }
    let path = unsafe String(cString: failure.path)
    let offset = unsafe failure.offset
    throw Rejection(reason, at: path.isEmpty ? "byte \(offset)" : "\(path) (byte \(offset))")
  }

  /// Whether records are walked the quick way first; both ways give the same.
  func useQuickWalk(_ uses: Bool) { unsafe ebb_json_use_quick_walk(handle, uses) }

  var absent: FoundValue { nothing[0] }

  /// A bit for each capture that the record has, the last for all beyond 63.
  var present: UInt64 { unsafe found.pointee.present }

  @inline(__always) func value(_ capture: Int32) -> FoundValue {
    unsafe precondition(capture >= 0 && capture < Int32(bitPattern: found.pointee.value_count))
    return unsafe FoundValue(found.pointee.values.unsafelyUnwrapped + Int(capture))
  }

  /// The array of a group: how many of its elements were kept, how many there were, and what stood there.
  func rows(_ group: Int32) -> (count: Int, total: Int, kind: FoundValue.Kind) {
    let rows = unsafe list(group)
    return unsafe (Int(rows.pointee.count), Int(rows.pointee.total), FoundValue.Kind(rows.pointee.kind))
  }

  func value(_ group: Int32, column: Int32, row: Int) -> FoundValue {
    let rows = unsafe list(group)
    guard unsafe row >= 0 && row < Int(rows.pointee.count) && column < rows.pointee.width,
      let values = unsafe rows.pointee.values
    else { return absent }
    return unsafe FoundValue(values + (row * Int(rows.pointee.width) + Int(column)))
  }

  private func list(_ group: Int32) -> UnsafePointer<ebb_rows> {
    unsafe precondition(group >= 0 && group < Int32(bitPattern: found.pointee.row_lists))
    return unsafe found.pointee.rows.unsafelyUnwrapped + Int(group)
  }

  /// All scalar members of the objects whose members are wanted.
  var memberCount: Int { unsafe Int(found.pointee.member_count) }

  func member(_ index: Int) -> (members: Int32, name: RawText, value: FoundValue) {
    precondition(index >= 0 && index < memberCount)
    let member = unsafe found.pointee.members.unsafelyUnwrapped + index
    let name = unsafe RawText(member.pointee.name, count: Int(member.pointee.name_length))
    let number = unsafe Int32(bitPattern: member.pointee.members)
    return unsafe (number, name, FoundValue(ebb_member_value(member)))
  }
}

/// Whether the text is UTF-8.
func isUTF8(_ text: RawText) -> Bool { unsafe ebb_is_utf8(text.base, text.count) }
