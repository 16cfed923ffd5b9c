import Dispatch
import Kafka
import Pipeline
import Settings
import Shard
import Storage

/// Reads stored state for `ebbd state`: a snapshot's file, or the partitions of the state topic.
struct StateSurveyor {
  private let options: StateOptions

  init(_ options: StateOptions) { self.options = options }

  // MARK: What is asked

  func survey() throws -> [SurveyReport] {
    if let path = options.snapshot {
      var survey = StateSurvey()
      let (header, footer) = try unsafe Self.read(snapshot: path) { key, value, place in
        unsafe survey.take(key: key, value: value, tombstonePosition: nil, place: "block at byte \(place)")
      }
      survey.finish()
      return [SurveyReport(title: path, survey: survey, source: .snapshot(header, footer))]
    }
    var reports: [SurveyReport] = []
    try readTopic { source, name, partition, isExact in
      let before = try ask { try source.committed(partition) }
      guard let reading = try read(&source, partition, SurveyVisitor(topic: name)) else { return }
      var survey = reading.visitor.survey
      survey.finish()
      let after = try ask { try source.committed(partition) }
      let metadata = try before.flatMap { try CommitMetadata($0.metadata) }
      if let before, metadata == nil {
        survey.add("\(before.nextOffset) is committed without Ebb's text", "commit")
      }
      let isStill = before == after
      if isStill, let before, let metadata {
        survey.check(
          against: metadata, nextOffset: before.nextOffset, end: reading.end, isExact: isExact)
      }
      reports.append(
        SurveyReport(
          title: "\(name) partition \(partition)", survey: survey,
          source: .topic(reading.low, reading.end, before, metadata, isStill: isStill)))
    }
    return reports
  }

  func search(for user: String) throws -> (found: [UserReport], searched: String) {
    let names = try shownNames()
    if let path = options.snapshot {
      var search = UserSearch(user: user)
      _ = try unsafe Self.read(snapshot: path) { key, value, _ in unsafe search.take(key: key, value: value) }
      return ([UserReport(names.shown(user), path, search)].compactMap { $0 }, path)
    }
    var found: [UserReport] = []
    var partitions: [Int32] = []
    var topic = ""
    try readTopic { source, name, partition, _ in
      topic = name
      partitions.append(partition)
      guard let reading = try read(&source, partition, SearchVisitor(search: UserSearch(user: user))) else {
        return
      }
      let place = "\(name) partition \(partition)"
      if let report = UserReport(names.shown(user), place, reading.visitor.search) { found.append(report) }
    }
    let list = partitions.map(String.init).joined(separator: ", ")
    return (found, "topic \(topic), partitions \(list)")
  }

  /// As the configuration says; a snapshot can be looked at where there is none.
  private func shownNames() throws -> UserNames {
    let loaded = LoadedConfiguration.read(options.config).loaded
    return try UserNames(loaded?.configuration.privacy ?? PrivacySettings())
  }

  // MARK: Snapshots

  private static func read(
    snapshot path: String, _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer, Int64) -> Void
  ) throws -> (SnapshotFileHeader, SnapshotFileFooter) {
    do throws(SnapshotError) {
      guard let reader = try SnapshotFileReader.open(path) else {
        throw SnapshotError("there is no such file")
      }
      let header = reader.header
      let footer = try unsafe reader.read(
        { key, value, place throws(SnapshotError) in unsafe body(key, value, place) }, damaged: { $0 })
      return (header, footer)
    } catch {
      throw StateCommandError(
        text:
          "the snapshot \(path) cannot be used: \(error.reason); Ebb passes over it and reads the state topic"
      )
    }
  }

  // MARK: The topic

  private func readTopic(_ body: (inout KafkaRecoverySource, String, Int32, Bool) throws -> Void) throws {
    let loaded = try LoadedConfiguration(path: options.config, command: "state")
    let configuration = loaded.configuration
    var source = try KafkaRecoverySource(
      KafkaRecoverySource.Options(
        properties: try loaded.clientProperties(), group: configuration.kafka.group,
        inputTopic: configuration.topics.input, stateTopic: configuration.topics.state,
        notice: { Console.say("\($0.text)") }))
    let counts = try ask { try source.partitionCounts() }
    if let partition = options.partition, partition >= counts.state {
      throw StateCommandError(
        text: "topic \(configuration.topics.state) has \(counts.state) partitions, and no \(partition)")
    }
    let partitions = options.partition.map { [$0] } ?? (0..<Int32(counts.state)).map { $0 }
    for partition in partitions {
      // Without transactions records may be there that no commit has counted.
      try body(&source, configuration.topics.state, partition, configuration.delivery == .exactlyOnce)
    }
  }

  /// Asks until there is an answer.
  private func ask<Answer>(_ question: () throws -> Answer?) throws -> Answer {
    let deadline = DispatchTime.now() + .seconds(options.timeout)
    while DispatchTime.now() < deadline {
      if let answer = try question() { return answer }
    }
    throw StateCommandError(
      text: "the brokers have not answered within \(options.timeout) s, or a transaction is open for longer; "
        + "check kafka.brokers, or give more --timeout")
  }

  private struct Reading<Visitor> {
    var visitor: Visitor
    var low: Int64
    var end: Int64
  }

  /// Reads a partition of the state topic to its end.
  private func read<Visitor: StateVisitor>(
    _ source: inout KafkaRecoverySource, _ partition: Int32, _ visitor: Visitor
  ) throws -> Reading<Visitor>? {
    let bounds = try ask { try source.bounds(.state, partition) }
    var visitor = visitor
    guard bounds.high > bounds.low else {
      return Reading(visitor: visitor, low: bounds.low, end: bounds.high)
    }
    try source.open(.state, partition, from: bounds.low)
    defer { source.close() }
    var reached: Int64 = -1
    var deadline = DispatchTime.now() + .seconds(options.timeout)
    while !(visitor.isAtEnd && visitor.nextOffset >= bounds.high) {
      try source.read(into: &visitor, timeoutMilliseconds: 200)
      if visitor.nextOffset > reached {
        reached = visitor.nextOffset
        deadline = DispatchTime.now() + .seconds(options.timeout)
      } else if DispatchTime.now() > deadline {
        throw StateCommandError(
          text: "partition \(partition) cannot be read to its end at offset \(bounds.high): it stops at "
            + "\(max(reached, bounds.low)); a transaction that is still open holds it back, or the brokers are away"
        )
      }
    }
    return Reading(visitor: visitor, low: bounds.low, end: bounds.high)
  }
}

/// What ends `ebbd state` beside the brokers' and the configuration's errors.
struct StateCommandError: Error, CustomStringConvertible {
  var text: String
  var description: String { text }
}

/// Reads a partition of the state topic and knows where it is.
private protocol StateVisitor: RecordVisitor {
  var nextOffset: Int64 { get }
  var isAtEnd: Bool { get }
}

private struct SurveyVisitor: StateVisitor {
  let topic: String
  var survey = StateSurvey()
  var nextOffset: Int64 = 0
  var isAtEnd = false

  init(topic: String) { self.topic = topic }

  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    isAtEnd = false
    nextOffset = record.offset + 1
    var position: String?
    if unsafe record.value == nil {
      position = record.headers.first { $0.name == StateRecord.positionHeader }?.text
    }
    unsafe survey.take(
      key: record.key, value: record.value, tombstonePosition: position, place: "offset \(record.offset)")
  }

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    self.nextOffset = max(self.nextOffset, nextOffset)
    isAtEnd = true
  }
}

private struct SearchVisitor: StateVisitor {
  var search: UserSearch
  var nextOffset: Int64 = 0
  var isAtEnd = false

  init(search: UserSearch) { self.search = search }

  mutating func record(_ record: borrowing InputRecord) throws(PipelineError) {
    isAtEnd = false
    nextOffset = record.offset + 1
    unsafe search.take(key: record.key, value: record.value)
  }

  mutating func reachedEnd(partition: Int32, nextOffset: Int64) throws(PipelineError) {
    self.nextOffset = max(self.nextOffset, nextOffset)
    isAtEnd = true
  }
}
