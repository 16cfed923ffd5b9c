import Admin
import Pipeline
import Settings
import Shard
import Storage
import Triggers

/// What `ebbd state verify` says of one partition.
struct SurveyReport {
  enum Source {
    case snapshot(SnapshotFileHeader, SnapshotFileFooter)
    case topic(Int64, Int64, CommittedPosition?, CommitMetadata?, isStill: Bool)
  }

  let title: String
  let survey: StateSurvey
  let source: Source

  var lines: [String] {
    var lines = [title]
    switch source {
    case .snapshot(let header, let footer):
      lines.append(
        "  of group \(header.group), input \(header.inputTopic), partition \(header.snapshot.partition)")
      lines.append("  written: \(WireText.instant(header.snapshot.writtenAt))")
      lines.append("  goes on in \(header.stateTopic) at offset \(header.snapshot.stateOffset)")
      lines.append(
        "  vouched for by cut \(Self.text(footer.commit.cut)) at \(Self.text(footer.commit.position))")
    case .topic(let low, let end, let committed, let metadata, let isStill):
      lines.append("  offsets: \(low) to \(end)")
      if let committed, let metadata {
        lines.append("  committed: offset \(committed.nextOffset), cut \(Self.text(metadata.cut))")
        lines.append("  recovery point: \(Self.text(metadata.recoveryPoint))")
        lines.append("  present epoch: \(Self.name(metadata.epochHash))")
      } else if committed == nil {
        lines.append("  committed: nothing")
      }
      if !isStill {
        lines.append("  the group is at work: what it has committed is not held against the records")
      }
    }
    let (users, gone, epochs) = (survey.count(.user), survey.count(.gone), survey.count(.epoch))
    lines.append(
      "  records: \(survey.records) (\(survey.tombstones) tombstones), \(survey.bytes) bytes; last under their key: "
        + "\(users) users, \(gone) markers, \(epochs) epochs")
    let sizes = survey.userBytes
    if !sizes.isEmpty {
      let mean = Double(sizes.reduce(0, +)) / Double(sizes.count)
      lines.append(
        "  bytes a user: mean \((mean * 10).rounded() / 10), median \(sizes[sizes.count / 2]), p90 "
          + "\(sizes[sizes.count * 9 / 10]), max \(sizes.last!)")
    }
    if let oldest = survey.oldest, let newest = survey.newest {
      lines.append("  positions: \(Self.text(oldest)) to \(Self.text(newest))")
    }
    for problem in survey.problems { lines.append("  problem, \(problem.place): \(problem.text)") }
    let untold = survey.problemCount - survey.problems.count
    if untold > 0 { lines.append("  and \(untold) more problems") }
    if survey.problemCount == 0 { lines.append("  no problems") }
    return lines
  }

  static func text(_ cut: CutNumber) -> String { "\(name(cut.owner))/\(cut.sequence)" }

  static func text(_ position: Position) -> String {
    let watermark = position.watermark == .min ? "nothing seen" : WireText.instant(position.watermark)
    return "offset \(position.offset), watermark \(watermark)"
  }

  static func name(_ hash: UInt64) -> String { WireText.hexadecimal(hash) }
}

/// What `ebbd state inspect` says of a user.
struct UserReport {
  let facts: [Fact]

  /// nil: there is nothing of him.
  /// - Parameter user: how he is named.
  init?(_ user: String, _ place: String, _ search: UserSearch) {
    guard let finding = search.finding else { return nil }
    var facts = [Fact("found_in", .text(place))]
    func add(_ position: Position) {
      facts.append(Fact("current_to_offset", .number(position.offset)))
      if position.watermark > .min {
        facts.append(Fact("current_to_watermark", .time(position.watermark)))
      }
    }
    switch finding {
    case .user(let state, let epoch, let position):
      add(position)
      facts.append(Fact("epoch", .text(SurveyReport.name(epoch))))
      facts += state.facts(of: user, search.texts[epoch].flatMap(Self.constants))
    case .gone(let position):
      facts.append(Fact("user", .text(user)))
      add(position)
      facts.append(Fact("gone", .flag(true)))
    case .unreadable(let message):
      facts.append(Fact("user", .text(user)))
      facts.append(Fact("unreadable", .text(message)))
    }
    self.facts = facts
  }

  private static func constants(_ text: String) -> EpochConstants? {
    (try? EpochPlan.read(text, .conversion))?.epoch.constants
  }

  var lines: [String] { facts.lines }

  /// One object.
  var json: String { facts.json }
}
