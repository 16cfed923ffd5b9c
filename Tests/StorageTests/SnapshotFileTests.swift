import Foundation
import Glibc
import Pipeline
import Shard
import Storage
import TestSupport
import Testing

/// A snapshot's file: what comes back, and what is refused.
@Suite struct SnapshotFileTests {
  @Test(arguments: [0, 1, 3, 200])
  func `A snapshot comes back record by record, with the offset behind it`(count: Int) throws {
    let fixture = try Fixture()
    let store = fixture.store()
    let blocks = Fixture.blocks(count)
    fixture.write(blocks, with: store)

    let contents = try #require(try store.contents().get())
    #expect(contents.offset == 77)
    #expect(contents.records == blocks.flatMap { $0 })
    #expect(fixture.names == ["ebb~clicks~3.ebbsnap"], "nothing is left beside it")
    let notices = fixture.notices.withLock { $0 }
    guard case .written(3, let records, let bytes, _)? = notices.first else {
      Issue.record("\(notices)")
      return
    }
    #expect(notices.count == 1 && records == UInt64(count * 5) && bytes == Int64(fixture.bytes.count))
  }

  @Test func `There is nothing to read where nothing was written`() throws {
    let fixture = try Fixture()
    #expect(try fixture.store().contents().get() == nil)
  }

  @Test func `Every changed byte of a file is noticed`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(3), with: store)
    let good = fixture.bytes
    for place in good.indices {
      var bad = good
      bad[place] ^= UInt8(1 << (place % 8))
      try fixture.overwrite(bad)
      #expect(store.reason() != nil, "byte \(place) of \(good.count)")
    }
  }

  @Test func `A file that is cut off anywhere is noticed`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(3), with: store)
    let good = fixture.bytes
    for length in good.indices {
      try fixture.overwrite(Array(good.prefix(length)))
      #expect(store.reason() == "it is cut off", "\(length) of \(good.count) bytes")
    }
  }

  @Test func `Blocks that change places, come twice, are missing or are another file's are noticed`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    // Blocks of one size, so that they can be moved about.
    func blocks(_ salt: UInt8) -> [[Record]] {
      (0..<4).map { [Record(key: [65, UInt8($0)], value: [salt, UInt8($0)])] }
    }
    fixture.write(blocks(1), with: store)
    let good = fixture.bytes
    fixture.write(blocks(2), with: store)
    let other = fixture.bytes
    fixture.write([], with: store)
    let empty = fixture.bytes.count
    let size = (good.count - empty) / 4
    // Header and footer have the same length in all three files.
    let mark = try #require((0..<good.count).first { good[$0...].starts(with: [1, 0, 0, 0, 6, 0, 0, 0]) })
    func block(_ number: Int, of file: [UInt8]) -> ArraySlice<UInt8> {
      file[(mark + number * size)..<(mark + (number + 1) * size)]
    }
    func file(_ blocks: [ArraySlice<UInt8>]) -> [UInt8] {
      Array(good[..<mark]) + blocks.flatMap { $0 } + good[(mark + 4 * size)...]
    }
    let own = (0..<4).map { block($0, of: good) }
    try fixture.overwrite(file(own))
    #expect(store.reason() == nil)
    let tampered = [
      [own[1], own[0], own[2], own[3]], [own[0], own[1], own[2], own[2]], [own[0], own[1], own[2]],
      [own[0], block(1, of: other), own[2], own[3]], own + [own[3]], [],
    ]
    for blocks in tampered {
      try fixture.overwrite(file(blocks))
      #expect(store.reason() != nil)
    }
    try fixture.overwrite(good + [0])
    #expect(store.reason() == "bytes follow its end")
  }

  @Test func `Twenty thousand random files are refused without harm`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(3), with: store)
    let good = fixture.bytes
    var random = SeededGenerator(announcedAs: "hostile snapshots", seed: 20_261_122)
    for _ in 0..<20_000 {
      var bad = good
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        let length = Int.random(in: 0..<600, using: &random)
        bad = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
      case 1:
        for _ in 0..<Int.random(in: 1...20, using: &random) {
          bad[Int.random(in: bad.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
      case 2:
        let from = Int.random(in: 0..<bad.count, using: &random)
        bad.removeSubrange(from..<min(bad.count, from + Int.random(in: 1...90, using: &random)))
      default:
        let from = Int.random(in: 0..<bad.count, using: &random)
        let piece = Array(bad[from..<min(bad.count, from + Int.random(in: 1...90, using: &random))])
        bad.insert(contentsOf: piece, at: Int.random(in: 0...bad.count, using: &random))
      }
      guard bad != good else { continue }
      try fixture.overwrite(bad)
      #expect(store.reason() != nil)
    }
  }

  @Test func `What is not this partition's, topics' or group's is refused`() throws {
    let fixture = try Fixture()
    fixture.write(Fixture.blocks(1), with: fixture.store())
    let others = [
      fixture.place(group: "other"), fixture.place(input: "others"), fixture.place(state: "other"),
    ]
    for place in others {
      if place.path(3) != fixture.path {
        try FileManager.default.copyItem(atPath: fixture.path, toPath: place.path(3))
      }
      #expect(fixture.store(place).reason() == "it belongs to another group, or to other topics")
    }
    try FileManager.default.copyItem(atPath: fixture.path, toPath: fixture.place().path(4))
    #expect(fixture.store().reason(4) == "it is partition 3's")
  }

  @Test func `A foreign version names both versions`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(1), with: store)
    var bytes = fixture.bytes
    bytes[8] = 2
    try fixture.overwrite(bytes)
    #expect(store.reason() == "it has version 2, and this release reads 1")
  }

  @Test
  func `It is too old after half the time for which tombstones are kept, from the beginning of its writing`()
    throws
  {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(1), with: store)
    fixture.advance(Fixture.day / 2)
    #expect(store.reason() == nil)
    fixture.advance(1)
    #expect(store.reason() == "it is older than half of what the state topic keeps tombstones for")
  }

  @Test func `It is not used when it is dated in the future, but clocks may be set a little`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(1), with: store, writtenAt: Fixture.now + 60_000)
    #expect(store.reason() == nil)
    fixture.write(Fixture.blocks(1), with: store, writtenAt: Fixture.now + 60_001)
    #expect(store.reason() == "it is dated in the future")
  }

  @Test func `Only a regular file that nobody else may write is read`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(Fixture.blocks(1), with: store)
    let (path, aside) = (fixture.path, fixture.directory + "/aside")
    for mode: mode_t in [0o620, 0o602] {
      #expect(unsafe chmod(path, mode) == 0)
      #expect(store.reason() == "others may write to it")
    }
    #expect(unsafe chmod(path, 0o600) == 0)
    try FileManager.default.moveItem(atPath: path, toPath: aside)
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: aside)
    #expect(store.reason() == "it is a symbolic link")
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(store.reason() == "it is not a regular file")
    try FileManager.default.removeItem(atPath: path)
    // Opening a pipe would wait for a writer.
    #expect(unsafe mkfifo(path, 0o600) == 0)
    #expect(store.reason() == "it is not a regular file")
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: aside, toPath: path)
    #expect(unsafe chmod(fixture.directory, 0o777) == 0)
    #expect(store.reason()?.hasPrefix("everybody may write to the directory") == true)
    #expect(unsafe chmod(fixture.directory, 0o700) == 0)
    #expect(store.reason() == nil)
    if geteuid() != 0 {
      #expect(unsafe chmod(path, 0) == 0)
      #expect(store.reason()?.contains("ermission denied") == true)
    }
  }

  @Test func `Groups and topics whose names could be mistaken for one another have files of their own`()
    throws
  {
    let fixture = try Fixture()
    let long = String(repeating: "long", count: 60)
    let places = [
      fixture.place(group: "a~b", input: "c"), fixture.place(group: "a", input: "b~c"),
      fixture.place(group: "a/b", input: "c"), fixture.place(group: "../a", input: "c"),
      fixture.place(group: long + "a", input: "c"), fixture.place(group: long + "b", input: "c"),
    ]
    #expect(Set(places.map { $0.path(0) }).count == places.count)
    for place in places {
      let name = place.path(0).dropFirst(fixture.directory.count + 1)
      #expect(name.utf8.count < 240 && !name.contains("/"))
    }
  }
}
