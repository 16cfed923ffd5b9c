import CSimdJSON

/// A value that was found in a record: its kind, and its text where it has one.
struct FoundValue {
  enum Kind: UInt8 {
    case absent = 0
    case null, `false`, `true`, number, string, object, array
  }

  var kind: Kind = .absent
  /// The unescaped text of a string, the characters of a number.
  var text = unsafe RawText(nil, count: 0)
  /// The nearest double of a JSON number.
  var number: Double = 0

  init() {}

  init(text: RawText) {
    kind = .string
    self.text = text
  }

  init(_ value: ebb_value) {
    kind = unsafe Kind(rawValue: value.kind) ?? .absent
    text = unsafe RawText(value.text, count: Int(value.length))
    number = unsafe value.number
  }

  /// Neither null nor an empty text.
  var isPresent: Bool {
    switch kind {
    case .absent, .null: false
    case .string: text.count > 0
    default: true
    }
  }
}

/// The C reader (see `ebb_json.h`) behind a safe surface: it owns the handle, and what it hands out is used
/// before the next `extract`.
@safe struct JSONReader: ~Copyable {
  private let handle: OpaquePointer

  init(maximumBytes: Int, maximumDepth: Int) {
    guard let handle = unsafe ebb_json_create(maximumBytes, UInt32(maximumDepth)) else {
      fatalError("out of memory")
    }
    unsafe self.handle = handle
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

  func value(_ capture: Int32) -> FoundValue {
    guard let values = unsafe ebb_json_values(handle) else { return FoundValue() }
    return unsafe FoundValue(values[Int(capture)])
  }

  /// The array of a group: how many of its elements were kept, how many there were, and what stood there.
  func rows(_ group: Int32) -> (count: Int, total: Int, kind: FoundValue.Kind) {
    let rows = unsafe ebb_json_rows(handle, group)
    return unsafe (Int(rows.count), Int(rows.total), FoundValue.Kind(rawValue: rows.kind) ?? .absent)
  }

  func value(_ group: Int32, column: Int32, row: Int) -> FoundValue {
    let rows = unsafe ebb_json_rows(handle, group)
    guard unsafe row >= 0 && row < Int(rows.count) && column < rows.width, let values = unsafe rows.values
    else { return FoundValue() }
    return unsafe FoundValue(values[row * Int(rows.width) + Int(column)])
  }

  /// All scalar members of the objects whose members are wanted.
  var memberCount: Int {
    var count = 0
    _ = unsafe ebb_json_all_members(handle, &count)
    return count
  }

  func member(_ index: Int) -> (members: Int32, name: RawText, value: FoundValue) {
    var count = 0
    let members = unsafe ebb_json_all_members(handle, &count)
    precondition(index >= 0 && index < count)
    let member = unsafe members.unsafelyUnwrapped[index]
    return unsafe (
      Int32(member.members), RawText(member.name, count: Int(member.name_length)), FoundValue(member.value)
    )
  }
}

/// Whether the text is UTF-8.
func isUTF8(_ text: RawText) -> Bool { unsafe ebb_is_utf8(text.base, text.count) }
