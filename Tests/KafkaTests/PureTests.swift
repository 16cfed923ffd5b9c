import Events
import Pipeline
import Testing

@testable import Kafka

@Suite struct `Partitions and positions` {
  // Kafka's own vectors (org.apache.kafka.common.utils.UtilsTest, testMurmur2) and librdkafka's, which
  // were computed by the Java client.
  @Test(arguments: [
    ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
    ("a-little-bit-longer-string", -1_486_304_829),
    ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ("kafka", Int(Int32(bitPattern: 0xd067_cf64))),
    ("giberish123456789", Int(Int32(bitPattern: 0x8f55_2b0c))),
    ("", Int(Int32(bitPattern: 0x106e_08d9))),
  ])
  func `A key hashes as in the Java client`(key: String, expected: Int) {
    #expect(Int(Int32(bitPattern: Murmur2.hash(Array(key.utf8)))) == expected)
  }

  @Test func `Records of no assignment and records before the position are stale`() {
    var table = AssignmentTable()
    #expect(table.admit(topic: 0, partition: 0, offset: 5) == false)
    table.assign(topic: 0, partition: 2, nextOffset: 10)
    #expect(table.admit(topic: 0, partition: 2, offset: 9) == false)
    #expect(table.admit(topic: 0, partition: 2, offset: 10) == true)
    #expect(table.admit(topic: 0, partition: 2, offset: 10) == false)
    // A gap, as control records leave it.
    #expect(table.admit(topic: 0, partition: 2, offset: 14) == true)
    #expect(table.admit(topic: 0, partition: 1, offset: 14) == false)
    #expect(table.admit(topic: 1, partition: 2, offset: 15) == false)
    #expect(table.admitsEnd(topic: 0, partition: 2, offset: 15) == true)
    #expect(table.admitsEnd(topic: 0, partition: 2, offset: 14) == false)
    #expect(table.assigned.map(\.nextOffset) == [15])
    table.clear()
    #expect(table.admit(topic: 0, partition: 2, offset: 15) == false)
  }

  @Test func `Doubt about the brokers ends with a proof`() {
    var health = InputHealth()
    #expect(!health.isHealthy && !health.wantsProbe)
    health.proven()
    #expect(health.isHealthy && !health.wantsProbe)
    health.doubted()
    #expect(!health.isHealthy && health.wantsProbe)
    #expect(health.probed() > 0)
    #expect(!health.wantsProbe)
    health.proven()
    #expect(health.isHealthy)
  }

  @Test func `A lane without partitions is in doubt after trouble, until anybody answers`() {
    var health = InputHealth()
    #expect(!health.isInDoubt, "who never had any has nobody to ask")
    health.doubted()
    #expect(health.isInDoubt && health.wantsProbe)
    let waits = (0..<6).map { _ in health.probed() }
    #expect(waits == [200, 400, 800, 1_600, 3_200, 3_200], "brokers may be far away")
    health.proven(withPartitions: false)
    #expect(!health.isInDoubt && !health.isHealthy && !health.wantsProbe)
    #expect(health.probed() == 200)
  }

  @Test func `The same complaint is told once a minute`() {
    var notices = RepeatedNotices()
    #expect(notices.mayTell(.transport) == true)
    #expect(notices.mayTell(.transport) == false)
    #expect(notices.mayTell(.resolve) == true)
    #expect(notices.clear() == true)
    #expect(notices.clear() == false)
    #expect(notices.mayTell(.transport) == true)
  }
}

@Suite struct `Properties and errors` {
  @Test func `An unknown property is named, with the remedy`() {
    let findings = ClientProperties(["fetch.max.byte": "1", "linger.ms": "-4", "acks": "all"]).findings()
    #expect(
      findings.map(\.message) == [
        "Kafka property fetch.max.byte is unknown to librdkafka \(LibraryVersion.current)",
        "Kafka property linger.ms is not valid",
      ])
    #expect(findings.allSatisfy { $0.class == .other && !$0.hint.isEmpty })
  }

  @Test func `What an operator sets stands, also under the property's other name`() {
    let asked = ClientProperties(["fetch.message.max.bytes": "5000000", "compression.codec": "zstd"])
    let ours = ClientProperties.queue(ofMemory: 128 << 20, consumers: 2)
      .overridden(by: ClientProperties(["compression.type": "gzip", "linger.ms": "5"]))
    #expect(ours["max.partition.fetch.bytes"] == "65536")
    let both = ours.overridden(by: asked)
    #expect(both["max.partition.fetch.bytes"] == nil && both["fetch.message.max.bytes"] == "5000000")
    #expect(both["compression.type"] == nil && both["compression.codec"] == "zstd")
    #expect(both["linger.ms"] == "5" && both["queued.max.messages.kbytes"] == "1024")
  }

  @Test func `Larger messages can be written without the consumer's being refused`() throws {
    var properties = ClientProperties(bootstrap: "127.0.0.1:1")
    properties["message.max.bytes"] = "10485760"
    _ = try Consumer(properties: properties, group: "g")
  }

  @Test func `Secrets are never shown`() {
    let properties = ClientProperties(
      bootstrap: "localhost:1", ["sasl.password": "hunter2", "ssl.key.pem": "hunter2"])
    #expect(!"\(properties)".contains("hunter2"))
    for finding in ClientProperties(["ssl.key.pem": "hunter2", "ssl.key.password": "hunter2"]).findings() {
      #expect(!"\(finding)".contains("hunter2"))
    }
    #expect(throws: KafkaError.self) {
      do throws(KafkaError) {
        _ = try Consumer(
          properties: properties.overridden(by: ClientProperties(["security.protocol": "ssl"])), group: "g")
      } catch {
        #expect(!"\(error)".contains("hunter2"))
        throw error
      }
    }
  }

  @Test func `An old library that cannot sign in to new brokers is named`() {
    let scram = ClientProperties(["sasl.mechanism": "SCRAM-SHA-512"])
    #expect(LibraryVersion(major: 2, minor: 0, revision: 2).warnings(for: scram).count == 1)
    #expect(LibraryVersion(major: 2, minor: 6, revision: 1).warnings(for: scram).isEmpty)
    #expect(LibraryVersion(major: 2, minor: 0, revision: 2).warnings(for: ClientProperties()).isEmpty)
    #expect(LibraryVersion.current >= LibraryVersion(major: 2, minor: 0, revision: 2))
  }

  @Test(arguments: [
    (KafkaError.Code.transport, KafkaError.Class.retriable, "kafka.brokers"),
    (.resolve, .retriable, "DNS"), (.timedOut, .retriable, "kafka.brokers"),
    (.authentication, .other, "sasl.password"), (.ssl, .other, "ssl.ca.location"),
    (.unknownTopicOrPartition, .other, "ebbd topics --create"),
    (.topicAuthorizationFailed, .other, "Describe"),
    (.groupAuthorizationFailed, .other, "Read"), (.messageTooLarge, .other, "max.message.bytes"),
    (.offsetOutOfRange, .other, "earliest or latest"), (.fencedInstance, .fatal, "own"),
    (.producerFenced, .fatal, "own"), (.invalidProducerIDMapping, .fatal, "own"),
    (.coordinatorLoading, .retriable, ""), (.notEnoughReplicas, .retriable, "min.insync.replicas"),
    (.offsetMetadataTooLarge, .other, "offset.metadata.max.bytes"),
  ])
  func `The usual errors have a class, a cause and a remedy`(
    code: KafkaError.Code, expected: KafkaError.Class, remedy: String
  ) {
    let error = KafkaError(code: code, subject: "topic clicks")
    #expect(error.class == expected)
    #expect(!error.message.isEmpty)
    #expect(remedy.isEmpty || error.hint.contains(remedy), "\(error)")
    #expect("\(error)" == "\(error.message); \(error.hint)")
  }
}
