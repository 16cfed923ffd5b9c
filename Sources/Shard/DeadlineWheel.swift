/// When a user must be looked at.
package struct DeadlineHint: Hashable, Sendable, BitwiseCopyable {
  /// Milliseconds since 1970 UTC.
  package var time: Int64
  /// Ordinal of the user's first appearance in the shard; below 2^48.
  package var appearance: UInt64
  /// His place in the table.
  package var index: UInt32

  package init(time: Int64, appearance: UInt64, index: UInt32) {
    self.time = time
    self.appearance = appearance
    self.index = index
  }

  package static func < (left: DeadlineHint, right: DeadlineHint) -> Bool {
    left.time != right.time ? left.time < right.time : left.appearance < right.appearance
  }
}

/// When which user must be looked at: hints in order of (time, first appearance), re-checked when they come due.
///
/// A user has at most one hint that counts (its time is kept in the table); a deadline that moves later leaves its
/// hint where it is, so that an event costs nothing here.
///
/// The key of a hint is its time and then its appearance, in digits of eight bits. A bucket of the wheel is a
/// level, the most significant digit in which a key differs from the **cursor**, and the key's digit there:
/// ```
///   level   10      9       8      7      6     5 … 0
///   digit   49.7 d  4.66 h  65.5 s 256 ms 1 ms  appearance
/// ```
/// So a lower level is before a higher one, and in a level a lower digit before a higher one. The first bucket is
/// taken apart when it is reached: the cursor goes to its start, which puts its hints into lower levels. A hint
/// moves at most as often as there are levels, however many users there are; usually three or four times.
///
/// - A bucket of a quarter of a second or less is not taken apart further but sorted into `run`, and the cursor goes to its
///   end, unless very many are due in one millisecond of it.
/// - What else stands at or before the cursor is in `front`, a heap: hints that are earlier than others which were
///   looked at already, and buckets of one chunk.
/// - What differs from the cursor above the highest level (in some 35 years) is in `far`, a heap.
/// - The cursor never goes more than a quarter of a second beyond what was asked for: so an ordinary hint, later than
///   the watermark, lies beyond it. Should many lie before it (after a look into the future), it is moved back.
package struct DeadlineWheel: ~Copyable {
  private static let digitBits = 8
  private static let digits = 256
  private static let wordsOfLevel = digits / 64
  /// Digits of an appearance: the levels below the first of time.
  private static let appearanceLevels = 6
  private static let levels = appearanceLevels + 5
  /// How many may lie before the cursor until it is moved back.
  private static let frontLimit = 512
  /// A bucket of this level spans a quarter of a second.
  private static let runLevel = appearanceLevels + 1
  /// Users are near when so many hints at most are before theirs.
  private static let nearDistance = 16
  /// A cursor is set to where this many low bits of the time are 0: hints somewhat earlier find a bucket too.
  private static let startBits: UInt64 = 24

  /// A time whose order is that of unsigned numbers, and an appearance.
  private struct Key {
    var time: UInt64
    var appearance: UInt64
  }

  private var cursor = Key(time: 0, appearance: 0)
  /// No hint is earlier.
  private var bound = Int64.max
  /// Hints in here, all together.
  package private(set) var count = 0
  /// First chunk of each bucket, level by level.
  private var heads = FlatArray<UInt32>(
    repeating: HintChunks.none, count: DeadlineWheel.levels * DeadlineWheel.digits)
  /// A bit for each bucket that is not empty, and one for each such level.
  private var occupied = FlatArray<UInt64>(
    repeating: 0, count: DeadlineWheel.levels * DeadlineWheel.wordsOfLevel)
  private var occupiedLevels: UInt32 = 0
  private var chunks = HintChunks()
  private var run = HintRun()
  private var front = HintHeap()
  /// Empty: in turn with `front` when the cursor is moved back, so that nothing is allocated.
  private var passed = HintHeap()
  private var far = HintHeap()
  /// Places of users who are near.
  private var near = FlatArray<UInt32>()

  package init() {}

  /// Whether some are known to be due soon.
  @inline(__always) package var hasNear: Bool { !near.isEmpty }

  /// Takes out one of those who are due soon; nil: none is known. Who is told of twice or in vain does no harm.
  package mutating func popNear() -> UInt32? { near.popLast() }

  /// Memory taken for hints in buckets.
  package var bucketBytes: Int { chunks.bytes }

  /// No hint is earlier than this; `Int64.max`: there is none.
  var lowerBound: Int64 { bound }

  // MARK: In and out

  /// Takes a hint in.
  package mutating func push(_ hint: DeadlineHint) {
    precondition(hint.appearance < HintChunks.appearanceEnd, "more users have appeared than can be counted")
    if count == 0 { setCursor(before: hint) }
    count += 1
    bound = min(bound, hint.time)
    place(hint)
    if front.count > Self.frontLimit { moveBack() }
  }

  /// The first hint, if its time is at or before `limit`.
  @inline(__always)
  package mutating func first(by limit: Int64) -> DeadlineHint? {
    limit < bound ? nil : search(by: limit)
  }

  /// Takes the first hint out, if its time is at or before `limit`.
  package mutating func popFirst(by limit: Int64) -> DeadlineHint? {
    if limit < bound { return nil }
    // Mostly there is nothing else.
    if front.isEmpty, let first = run.first {
      if first.time > limit { return nothing(before: first.time) }
    } else {
      guard search(by: limit) != nil else { return nil }
    }
    count -= 1
    guard isFirstInRun else { return front.popFirst() }
    if let user = run.user(behindFirst: Self.nearDistance) { near.append(user) }
    return run.popFirst()
  }

  /// Whether the first of what is at or before the cursor is in `run`.
  @inline(__always) private var isFirstInRun: Bool {
    guard let first = run.first else { return false }
    guard let other = front.first else { return true }
    return first < other
  }

  /// As `first`; what it returns is the first of `run` or `front`.
  private mutating func search(by limit: Int64) -> DeadlineHint? {
    while front.isEmpty, run.isEmpty {
      if occupiedLevels != 0 {
        guard openFirstBucket(by: limit) else { return nil }
      } else if let first = far.first {
        // Nothing lies between the cursor and that one: the cursor may go there, but not beyond the limit.
        setCursor(Key(time: Self.ordered(min(first.time, limit)), appearance: first.appearance))
        if first.time > limit, front.isEmpty { return nothing(before: first.time) }
      } else {
        return nothing(before: .max)
      }
    }
    let first = isFirstInRun ? run.first! : front.first!
    return first.time <= limit ? first : nothing(before: first.time)
  }

  private mutating func nothing(before time: Int64) -> DeadlineHint? {
    bound = time
    return nil
  }

  // MARK: Buckets

  private static func ordered(_ time: Int64) -> UInt64 { UInt64(bitPattern: time) ^ 1 << 63 }
  static func time(_ ordered: UInt64) -> Int64 { Int64(bitPattern: ordered ^ 1 << 63) }

  /// The most significant digit in which two keys differ; `levels` or above: in none that has buckets.
  @inline(__always) private static func level(_ key: Key, _ other: Key) -> Int {
    let times = key.time ^ other.time
    if times != 0 { return appearanceLevels + (63 - times.leadingZeroBitCount) / digitBits }
    return (63 - ((key.appearance ^ other.appearance) | 1).leadingZeroBitCount) / digitBits
  }

  @inline(__always) private static func digit(_ key: Key, _ level: Int) -> Int {
    let word =
      level < appearanceLevels
      ? key.appearance >> UInt64(level * digitBits)
      : key.time >> UInt64((level - appearanceLevels) * digitBits)
    return Int(word & UInt64(digits - 1))
  }

  /// Puts a hint where it belongs as the cursor stands.
  @inline(__always) private mutating func place(_ hint: DeadlineHint) {
    let key = Key(time: Self.ordered(hint.time), appearance: hint.appearance)
    if key.time < cursor.time || key.time == cursor.time && key.appearance <= cursor.appearance {
      front.push(hint)
      return
    }
    let level = Self.level(key, cursor)
    if level >= Self.levels {
      far.push(hint)
      return
    }
    let bucket = mark(level, Self.digit(key, level))
    chunks.append(
      HintChunks.Entry(
        timeLow: UInt32(truncatingIfNeeded: key.time), appearance: hint.appearance, index: hint.index),
      to: &heads[bucket])
  }

  /// The bucket, which is about to hold something.
  @inline(__always) private mutating func mark(_ level: Int, _ digit: Int) -> Int {
    occupied[level * Self.wordsOfLevel + digit / 64] |= 1 << UInt64(digit % 64)
    occupiedLevels |= 1 << UInt32(level)
    return level * Self.digits + digit
  }

  /// Takes a bucket's chain out of it.
  private mutating func take(_ level: Int, _ digit: Int) -> UInt32 {
    let words = level * Self.wordsOfLevel
    occupied[words + digit / 64] &= ~(1 << UInt64(digit % 64))
    var remaining: UInt64 = 0
    for word in 0..<Self.wordsOfLevel { remaining |= occupied[words + word] }
    if remaining == 0 { occupiedLevels &= ~(1 << UInt32(level)) }
    let chain = heads[level * Self.digits + digit]
    heads[level * Self.digits + digit] = HintChunks.none
    return chain
  }

  /// The first digit of a level that has any.
  private func firstDigit(_ level: Int) -> Int {
    var word = 0
    while occupied[level * Self.wordsOfLevel + word] == 0 { word += 1 }
    return word * 64 + occupied[level * Self.wordsOfLevel + word].trailingZeroBitCount
  }

  /// The lowest key of a bucket.
  private func start(_ level: Int, _ digit: Int) -> Key {
    func with(_ word: UInt64, _ level: Int) -> UInt64 {
      let shift = UInt64(level * Self.digitBits)
      return (word >> shift & ~UInt64(Self.digits - 1) | UInt64(digit)) << shift
    }
    if level < Self.appearanceLevels {
      return Key(time: cursor.time, appearance: with(cursor.appearance, level))
    }
    return Key(time: with(cursor.time, level - Self.appearanceLevels), appearance: 0)
  }

  /// The highest key of the bucket that starts here.
  private static func end(_ level: Int, _ start: Key) -> Key {
    if level < appearanceLevels {
      return Key(time: start.time, appearance: start.appearance | ((1 << UInt64(level * digitBits)) - 1))
    }
    return Key(
      time: start.time | ((1 << UInt64((level - appearanceLevels) * digitBits)) - 1),
      appearance: HintChunks.appearanceEnd - 1)
  }

  /// Takes the first bucket apart, unless it is later than `limit`; whether it did. There must be one.
  private mutating func openFirstBucket(by limit: Int64) -> Bool {
    let level = occupiedLevels.trailingZeroBitCount
    let digit = firstDigit(level)
    let start = start(level, digit)
    if Self.time(start.time) > limit {
      bound = Self.time(start.time)
      return false
    }
    var chunk = take(level, digit)
    let end = Self.end(level, start)
    let isSmall = chunks.next(chunk) == HintChunks.none
    if level == Self.runLevel || level < Self.runLevel && isSmall, run.fill(chunk, of: chunks, at: start.time)
    {
      cursor = end
      while chunk != HintChunks.none { chunk = chunks.give(chunk) }
      for distance in 0..<Self.nearDistance {
        if let user = run.user(behindFirst: distance) { near.append(user) }
      }
      return true
    }
    if !isSmall, level > Self.appearanceLevels {
      cursor = start
      scatter(chunk, level - 1, start)
      return true
    }
    cursor = isSmall && Self.time(end.time) <= limit ? end : start
    while chunk != HintChunks.none {
      for place in 0..<chunks.count(chunk) { self.place(hint(chunks.entry(place, of: chunk), in: start)) }
      chunk = chunks.give(chunk)
    }
    return true
  }

  /// Distributes the chain of the bucket that starts here, where the cursor is, among the buckets of the level below it.
  private mutating func scatter(_ chain: UInt32, _ level: Int, _ start: Key) {
    let shift = UInt32((level - Self.appearanceLevels) * Self.digitBits)
    var chunk = chain
    while chunk != HintChunks.none {
      chunks.prefetch(chunks.next(chunk))
      for place in 0..<chunks.count(chunk) {
        let entry = chunks.entry(place, of: chunk)
        let digit = Int(entry.timeLow >> shift & UInt32(Self.digits - 1))
        if digit != 0 {
          chunks.append(entry, to: &heads[mark(level, digit)])
        } else {
          // The cursor's own: it belongs still lower.
          self.place(hint(entry, in: start))
        }
      }
      chunk = chunks.give(chunk)
    }
  }

  /// An entry of the bucket that starts here, or of one below.
  @inline(__always) private func hint(_ entry: HintChunks.Entry, in start: Key) -> DeadlineHint {
    DeadlineHint(
      time: Self.time(start.time & ~UInt64(UInt32.max) | UInt64(entry.timeLow)), appearance: entry.appearance,
      index: entry.index)
  }

  // MARK: The cursor's other ways

  private static func roundDown(_ time: Int64) -> UInt64 { ordered(time) & ~((1 << startBits) - 1) }

  /// Sets the cursor where no bucket is occupied, and takes in what is no longer far from it.
  private mutating func setCursor(_ key: Key) {
    cursor = key
    while let first = far.first,
      Self.ordered(first.time) <= cursor.time
        || Self.level(Key(time: Self.ordered(first.time), appearance: 0), cursor) < Self.levels
    {
      place(far.popFirst())
    }
  }

  private mutating func setCursor(before hint: DeadlineHint) {
    setCursor(Key(time: Self.roundDown(hint.time), appearance: 0))
  }

  /// Moves the cursor back, before everything in `front`.
  ///
  /// A bucket at a level above the highest digit that changes keeps its meaning. Those below it differ from the new
  /// cursor in that digit first, and have the old cursor's in common: they become one.
  private mutating func moveBack() {
    let old = cursor
    let first = front.first!
    let key = Key(time: Self.roundDown(first.time), appearance: 0)
    let level = Self.level(key, old)
    while occupiedLevels != 0, occupiedLevels.trailingZeroBitCount < level {
      let lower = occupiedLevels.trailingZeroBitCount
      let digit = firstDigit(lower)
      var chunk = take(lower, digit)
      if level < Self.levels {
        chunks.splice(chunk, onto: &heads[mark(level, Self.digit(old, level))])
        continue
      }
      let start = start(lower, digit)
      while chunk != HintChunks.none {
        for place in 0..<chunks.count(chunk) { far.push(hint(chunks.entry(place, of: chunk), in: start)) }
        chunk = chunks.give(chunk)
      }
    }
    cursor = key
    swap(&passed, &front)
    while !run.isEmpty { passed.push(run.popFirst()) }
    while !passed.isEmpty { place(passed.popAny()) }
  }
}
