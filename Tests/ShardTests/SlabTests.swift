import TestSupport
import Testing

@testable import Shard

/// Blocks of memory and the table over them, beside a model that does the same with lists.
@Suite struct SlabTests {
  @Test(arguments: [1, 16, 17, 1_024, 1_025, 1_040, 5_000, 65_536, 900_000, 983_040, 983_041, 3_000_000])
  func `A block has room for what was asked, and little more`(bytes: Int) {
    let units = BlockSlab.units(bytes)
    if bytes > 983_040 {
      // More than a block can write down.
      #expect(units == 0)
    } else {
      #expect(units * 16 >= bytes && units * 16 <= max(bytes + 15, bytes + bytes / 8 + 16))
      #expect(BlockSlab.units(units * 16) == units)
    }
  }

  @Test func `Blocks never overlap, and freed memory is used again`() {
    var dice = SeededGenerator(announcedAs: "blocks", seed: 31)
    var slab = BlockSlab()
    var held: [(place: BlockSlab.Place, units: Int, bytes: Int, pattern: UInt8)] = []
    func fill(_ slab: borrowing BlockSlab, _ place: BlockSlab.Place, _ bytes: Int, _ pattern: UInt8) {
      unsafe slab.address(place).initializeMemory(as: UInt8.self, repeating: pattern, count: bytes)
    }
    func holds(
      _ slab: borrowing BlockSlab, _ block: (place: BlockSlab.Place, units: Int, bytes: Int, pattern: UInt8)
    ) -> Bool {
      let bytes = unsafe UnsafeRawBufferPointer(start: slab.address(block.place), count: block.bytes)
      return unsafe bytes.allSatisfy { $0 == block.pattern }
    }
    for step in 0..<20_000 {
      if held.count < 400, step % 3 != 2 {
        let bytes: Int =
          switch Int.random(in: 0..<100, using: &dice) {
          case 0: Int.random(in: 1_000_000...2_000_000, using: &dice)
          case 1..<10: Int.random(in: 1_000...60_000, using: &dice)
          default: Int.random(in: 4...600, using: &dice)
          }
        let units = BlockSlab.units(bytes)
        let place = slab.allocate(units: units, bytes: bytes)
        let pattern = UInt8.random(in: .min ... .max, using: &dice)
        fill(slab, place, bytes, pattern)
        held.append((place, units, bytes, pattern))
      } else if !held.isEmpty {
        let block = held.remove(at: Int.random(in: 0..<held.count, using: &dice))
        guard holds(slab, block) else {
          Issue.record("a block was written over at step \(step)")
          return
        }
        slab.release(block.place, units: block.units)
      }
    }
    var whole = 0
    for block in held where holds(slab, block) { whole += 1 }
    #expect(whole == held.count)
  }

  @Test func `What was freed serves the same sizes again`() {
    var slab = BlockSlab()
    func round(_ slab: inout BlockSlab) {
      var places: [(BlockSlab.Place, Int)] = []
      for index in 0..<50_000 {
        let bytes = 40 + index % 300
        places.append((slab.allocate(units: BlockSlab.units(bytes), bytes: bytes), BlockSlab.units(bytes)))
      }
      for (place, units) in places { slab.release(place, units: units) }
    }
    round(&slab)
    let bytes = slab.bytes
    for _ in 0..<3 { round(&slab) }
    #expect(slab.bytes == bytes)
  }

  @Test func `Blocks that grow together leave nothing behind`() {
    var slab = BlockSlab()
    var places = (0..<20_000).map { _ in slab.allocate(units: 2, bytes: 32) }
    for units in 3...64 {
      for index in places.indices {
        let place = slab.allocate(units: units, bytes: 16 * units)
        slab.release(places[index], units: units - 1)
        places[index] = place
      }
      // What they take, what is at the end of each page, and a page of either size that is being left or filled.
      let taken = 20_000 * 16 * units
      #expect(slab.bytes <= taken + taken / 15 + (2 << 20), "\(units) units: \(slab.bytes) bytes")
    }
  }

  /// What the model knows of a user.
  struct Known: Equatable {
    var content: [UInt8]
    var deadline: Int64
    var isGone: Bool
  }

  static func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    unsafe Array(text.utf8).withUnsafeBytes { unsafe body($0) }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `The table knows whom the model knows, and what of them`(seed: UInt64) {
    var dice = SeededGenerator(seed: seed)
    var table = UserTable(isStored: seed % 2 == 0)
    var model: [String: Known] = [:]
    for step in 0..<6_000 {
      let name = "user-\(Int.random(in: 0..<900, using: &dice))" + (step % 5 == 0 ? " with a long name" : "")
      let hash = unsafe Self.withBytes(name) { unsafe UserTable.hash($0) }
      let found = unsafe Self.withBytes(name) { unsafe table.find($0, hash) }
      #expect((found != nil) == (model[name] != nil))
      let content = (0..<Int.random(in: 0...700, using: &dice)).map { _ in
        UInt8.random(in: .min ... .max, using: &dice)
      }
      let deadline = Int64.random(in: 0...99, using: &dice)
      switch (found, Int.random(in: 0..<10, using: &dice)) {
      case (nil, _):
        let index = unsafe Self.withBytes(name) { unsafe table.insert($0, hash, epoch: 3) }
        unsafe content.withUnsafeBytes { unsafe table.setState(index, $0, deadline: deadline) }
        model[name] = Known(content: content, deadline: deadline, isGone: false)
      case (let index?, 0):
        table.remove(index)
        model[name] = nil
      case (let index?, 1):
        if table[index].isGone { continue }
        table.bury(index)
        model[name] = Known(content: [], deadline: .max, isGone: true)
      case (let index?, _):
        if table[index].isGone { table.revive(index, epoch: 4) }
        unsafe content.withUnsafeBytes { unsafe table.setState(index, $0, deadline: deadline) }
        model[name] = Known(content: content, deadline: deadline, isGone: false)
      }
      if step % 500 == 499 { Self.compare(table, model) }
    }
    Self.compare(table, model)
  }

  static func compare(_ table: borrowing UserTable, _ model: [String: Known]) {
    #expect(table.entryCount == model.count)
    #expect(table.count == model.values.count { !$0.isGone })
    for (name, known) in model {
      let index = unsafe withBytes(name) { unsafe table.find($0, UserTable.hash($0)) }
      guard let index else {
        Issue.record("\(name) is not found")
        continue
      }
      let block = table.block(index)
      #expect(unsafe String(decoding: block.key, as: UTF8.self) == name)
      #expect(table[index].isGone == known.isGone && block.deadline == known.deadline)
      let content = unsafe UnsafeRawBufferPointer(start: block.content, count: known.content.count)
      #expect(unsafe content.elementsEqual(known.content))
      #expect((block.kind == .key) == known.isGone)
    }
  }
}
