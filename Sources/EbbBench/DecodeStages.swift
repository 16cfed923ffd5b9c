import Events
import Measuring
import Settings

/// Bytes to events, by one preset. Records lie in memory one after the other, some megabytes of them, as a fetch
/// from Kafka hands them over.
final class DecodeStage: Stage {
  let preset: String
  private let corpus: Corpus
  private var decoder: Decoder
  private var slot = EventSlot()
  private let isSplit: Bool
  /// Of the latest run.
  private(set) var events = 0

  /// - Parameter records: in each run.
  init(_ preset: String, records: Int) throws {
    self.preset = preset
    corpus =
      preset == "native" ? .demo(events: records) : PresetSamples.corpus(preset, records: records)
    let mapping = try MappingFile.preset(named: preset)
    isSplit = mapping.isFilesOnly
    decoder = Decoder(mapping: mapping)
  }

  var name: String { "\(preset), \(corpus.meanBytes.text(digits: 0)) bytes a record" }

  var fixedInput: String? { "decode \(preset)" }

  func prepare() throws {
    events = Self.pass(corpus, &decoder, &slot, isSplit)
    guard events >= corpus.count else {
      throw BenchError("of \(corpus.count) records in the format \(preset) only \(events) are events")
    }
  }

  func run() throws -> Sample {
    var meter = Meter()
    meter.measure { events = Self.pass(corpus, &decoder, &slot, isSplit) }
    return meter.sample(perEach: events)
  }

  /// Decodes everything; returns how many events there were.
  private static func pass(
    _ corpus: borrowing Corpus, _ decoder: inout Decoder, _ slot: inout EventSlot, _ isSplit: Bool
  ) -> Int {
    var events = 0
    unsafe corpus.forEach { index, record in
      if isSplit {
        unsafe decoder.decodeEach(payload: record, recordTimestamp: corpus.clocks[index], into: &slot) {
          _, outcome in
          if outcome == .event { events += 1 }
        }
      } else if unsafe decoder.decode(
        payload: record, recordTimestamp: corpus.clocks[index], into: &slot) == .event
      {
        events += 1
      }
    }
    return events
  }

  static func group(records: Int) throws -> StageGroup {
    StageGroup(
      title: "Decode: the bytes of a record to an event, by preset",
      stages: try (["native"] + PresetSamples.presets).map { try DecodeStage($0, records: records) })
  }
}
