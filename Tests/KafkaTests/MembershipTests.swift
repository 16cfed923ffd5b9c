import Pipeline
import Testing

@testable import Kafka

@Suite(.timeLimit(.minutes(5))) struct `Who a member is` {
  private static func bytes(
    _ mark: String = "CGMDv2:", generation: Int32, group: String = "ebb", member: String,
    instance: String? = "one"
  ) -> [UInt8] {
    var bytes = Array(mark.utf8)
    withUnsafeBytes(of: generation) { bytes += $0 }
    bytes += Array(group.utf8) + [0] + Array(member.utf8) + [0]
    bytes += instance.map { [0] + Array($0.utf8) + [0] } ?? [1]
    return bytes
  }

  @Test(arguments: [Int32(0), 1, 255, 256, 65_537, .max], ["one", nil])
  func `Generation and member id are read out of the library's bytes`(generation: Int32, instance: String?) {
    let bytes = Self.bytes(generation: generation, member: "ebbd-7f-é", instance: instance)
    let membership = Membership(metadata: bytes)
    #expect(membership?.generation == generation)
    #expect(membership?.memberID == "ebbd-7f-é")
    #expect(membership?.bytes == bytes)
  }

  @Test(arguments: [
    bytes(generation: -1, member: "m"), bytes(generation: 3, member: ""), bytes(generation: -1, member: ""),
    bytes("CGMDv9:", generation: 3, member: "m"), Array("CGMDv2:".utf8), [],
    Array(bytes(generation: 3, member: "m").prefix(14)),
  ])
  func `Bytes that name nobody, or are of another kind, make no member`(bytes: [UInt8]) {
    #expect(Membership(metadata: bytes) == nil)
  }

  @Test func `What the library writes is read, and read back by it`() throws {
    let broker = try cluster()
    var consumer = try Consumer(properties: properties(broker), group: "ebb", instance: "lane-0")
    try consumer.subscribe(["clicks"])
    let membership = try eventually("assigned") {
      if case .assigned(_, let membership?) = consumer.poll(timeoutMilliseconds: 100) { return membership }
      return nil
    }
    #expect(membership.generation >= 0 && !membership.memberID.isEmpty)
    let metadata = try GroupMetadata(bytes: membership.bytes)
    #expect(metadata.bytes == membership.bytes)
    #expect(Membership(metadata: membership.bytes) == membership)
    #expect(throws: KafkaError.self) { _ = try GroupMetadata(bytes: [1, 2, 3]) }
    try consumer.unassign()
    consumer.close(timeoutMilliseconds: 30_000)
  }
}
