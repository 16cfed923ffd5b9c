import Foundation
import Glibc
import Pipeline
import Shard
import Storage
import Testing

/// Snapshots in their making: the one that is there stays until the next one is safe.
@Suite struct SnapshotStoreTests {
  private let old = Fixture.blocks(1)
  private let new = Fixture.blocks(4)

  private func isOld(_ store: SnapshotStore) -> Bool {
    (try? store.contents().get())??.records == old.flatMap { $0 }
  }

  @Test func `Until it is finished, and when it never is, the one before is read`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(old, with: store)
    let ticket = try #require(
      store.begin(SnapshotHeader(partition: 3, stateOffset: 99, writtenAt: Fixture.now)))
    for block in new { #expect(store.append(Fixture.encoded(block), records: block.count, to: ticket)) }
    store.settle(withinMilliseconds: 5_000)
    #expect(fixture.names.count == 2 && isOld(store))
    // Whoever starts after a crash finds the same, and writes over what was left.
    #expect(isOld(fixture.store()))

    store.drop(ticket, because: nil)
    store.finish(ticket, Fixture.commit)
    store.settle(withinMilliseconds: 5_000)
    #expect(fixture.names.count == 1 && isOld(store))
    #expect(fixture.notices.withLock { $0.count } == 1, "dropping is not worth a line")
  }

  @Test func `What a crash left half-written is written over`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    try Data(fixture.path.utf8).write(to: URL(fileURLWithPath: fixture.path + ".part"))
    fixture.write(new, with: store)
    #expect(try store.contents().get()?.records == new.flatMap { $0 })
    #expect(fixture.names.count == 1)
  }

  @Test func `Two that write the same partition do not disturb each other`() throws {
    let fixture = try Fixture()
    let (one, other) = (fixture.store(), fixture.store())
    let ticket = try #require(one.begin(SnapshotHeader(partition: 3, stateOffset: 1, writtenAt: Fixture.now)))
    #expect(one.append(Fixture.encoded(old[0]), records: old[0].count, to: ticket))
    one.settle(withinMilliseconds: 5_000)
    fixture.write(new, with: other)
    #expect(
      fixture.notices.withLock { $0 } == [.failed(partition: 3, reason: "another process is writing it")])
    one.finish(ticket, Fixture.commit)
    one.settle(withinMilliseconds: 5_000)
    #expect(isOld(one))
    fixture.write(new, with: other)
    #expect(try other.contents().get()?.records == new.flatMap { $0 })
  }

  @Test func `A failure is told once, and the next one may succeed`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(old, with: store)
    #expect(unsafe chmod(fixture.directory, 0o777) == 0)
    fixture.write(new, with: store)
    #expect(unsafe chmod(fixture.directory, 0o700) == 0)
    #expect(fixture.notices.withLock { $0.count } == 2)
    #expect(isOld(store))
    fixture.write(new, with: store)
    #expect(try store.contents().get()?.records == new.flatMap { $0 })
  }

  @Test func `What waits for the disk is bounded`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    let ticket = try #require(
      store.begin(SnapshotHeader(partition: 3, stateOffset: 1, writtenAt: Fixture.now)))
    let slice = Fixture.encoded([Record(key: [65], value: [UInt8](repeating: 0, count: 1 << 20))])
    var taken = 0
    while taken < 2_000, store.append(slice, records: 1, to: ticket) { taken += 1 }
    #expect(taken >= 8)
    store.finish(ticket, Fixture.commit)
    store.settle(withinMilliseconds: 60_000)
    #expect(try store.contents().get()?.records.count == taken)
  }

  @Test func `A partition that begins anew has no snapshot any more`() throws {
    let fixture = try Fixture()
    let store = fixture.store()
    fixture.write(old, with: store)
    store.forget(3)
    #expect(try store.contents().get() == nil)
    store.forget(3)
  }

  @Test func `A directory is made for this user alone`() throws {
    let fixture = try Fixture()
    let directory = fixture.directory + "/made"
    let place = SnapshotPlace(directory: directory, group: "g", inputTopic: "i", stateTopic: "s")
    try place.prepare()
    try place.prepare()
    let mode = try FileManager.default.attributesOfItem(atPath: directory)[.posixPermissions] as? Int
    #expect(mode == 0o700)
    var missing = place
    missing.directory = fixture.directory + "/not/there"
    #expect(throws: SnapshotError.self) { try missing.prepare() }
  }
}
