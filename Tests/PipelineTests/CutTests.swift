import Pipeline
import Testing
import Triggers

@Suite struct CutTests {
  @Test func `Only dead letters that are too long are cut off, and tell their length once`() {
    func record(_ topic: OutputTopic, _ bytes: Int) -> OutputRecord {
      OutputRecord(topic: topic, key: nil, value: Array(repeating: 7, count: bytes), headers: [])
    }
    let records = [record(.cartAlerts, 50), record(.deadLetters, 10), record(.deadLetters, 50)]
    var cut = Cut(
      number: CutNumber(owner: 1, sequence: 1), membership: Membership(generation: 1, memberID: "m")!,
      sections: [CutSection(partition: 0, records: records, nextOffset: 9)])
    let shortened = [20, 20, 15].map { cut.shortenDeadLetters(to: $0) }
    #expect(shortened == [true, false, true])
    let now = cut.sections[0].records
    #expect(now.map { $0.value?.count } == [50, 10, 15])
    #expect(now[0].headers.isEmpty && now[1].headers.isEmpty)
    #expect(now[2].headers == [.init(name: DeadLetter.wholeBytesHeader, value: Array("50".utf8))])
    #expect(cut.sections[0].nextOffset == 9)
  }
}
