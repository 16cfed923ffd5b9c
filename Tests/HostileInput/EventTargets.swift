import Events
import Foundation
import Replay
import Settings
import Shop
import TestSupport
import Triggers

/// Records of the input topic, in JSON and CSV, and files of them.
enum EventTargets {
  static let all = [json, rows, files]

  private static func presets(_ isRows: Bool) throws -> [(name: String, mapping: Mapping)] {
    try MappingFile.presets.map { ($0, try MappingFile.preset(named: $0)) }.filter {
      ($0.1.rows != nil) == isRows
    }
  }

  /// Records; before each the number of its preset.
  private static func seeds(_ isRows: Bool) throws -> [[UInt8]] {
    let names = try presets(isRows).map(\.name)
    var seeds = SampleRecords.texts.compactMap { preset, text in
      names.firstIndex(of: preset).map { [UInt8($0)] + Array(text.utf8) }
    }
    guard !isRows, let native = names.firstIndex(of: "native") else { return seeds }
    var shop = ShopSimulator(
      seed: 3, users: 50, startMilliseconds: 1_772_359_200_000, options: .demonstration)
    for _ in 0..<200 { seeds.append([UInt8(native)] + NativeJSON.bytes(of: shop.next().event)) }
    seeds.append(
      [UInt8(native) | 0x80] + Array("0123456789abcdef".utf8) + Array(SampleRecords.texts[0].text.utf8))
    return seeds
  }

  private static let json = HostileTarget(
    "events-json", "records in JSON under every preset, both ways of walking them",
    pieces: SampleRecords.pieces,
    seeds: { try seeds(false) }, makeCheck: { try EventCheck(presets(false)) })

  private static let rows = HostileTarget(
    "events-csv", "records that are rows of CSV, under every preset", pieces: SampleRecords.pieces,
    seeds: { try seeds(true) }, makeCheck: { try EventCheck(presets(true)) })

  /// Files as `ebbd replay` and `ebbd demo` read them, with their headers and lines of any length. Before each the number
  /// of its preset.
  private static let files = HostileTarget(
    "files", "files of records, line by line",
    pieces: SampleRecords.pieces + ["\n\n", "\r\n\r\n", "\u{FEFF}{"],
    seeds: {
      let mappings = try (presets(false) + presets(true)).map(\.mapping)
      var seeds: [[UInt8]] = []
      for (number, mapping) in mappings.enumerated() {
        var lines = SampleRecords.texts.filter { $0.preset == mapping.name }.map { Array($0.text.utf8) }
        if mapping.name == "native" {
          lines += try EventTargets.seeds(false).suffix(20).map { Array($0.dropFirst()) }
        }
        if let rows = mapping.rows, rows.hasHeader {
          lines.insert(Array(rows.columns.joined(separator: ",").utf8), at: 0)
        }
        seeds.append([UInt8(number)] + Array(lines.joined(separator: [10])))
        if let real = beginning(ofRealFileFor: mapping.name) { seeds.append([UInt8(number)] + real) }
      }
      return seeds
    },
    makeCheck: {
      let mappings = try (presets(false) + presets(true)).map(\.mapping)
      let file = ScratchFile("rows")
      var plan = ReplayPlan(rules: Rules())
      plan.maximumRecordBytes = 4_096
      plan.partitions = 2
      return PlainCheck { input in
        guard let first = input.first else { return false }
        let mapping = mappings[Int(first) % mappings.count]
        try file.write(Array(input.dropFirst()))
        var (rows, bytes) = (0, 0)
        if !mapping.isFilesOnly {
          try FileRows.read(file.path, mapping: mapping, maximumRecordBytes: plan.maximumRecordBytes) { row in
            rows += 1
            bytes += row.value.count
          }
        }
        try promise(bytes <= input.count, "\(bytes) bytes of rows from \(input.count)")
        let replay = ReplayRun(plan) { _ in }
        do throws(ReplayError) {
          try replay.read(file.path, mapping: mapping)
        } catch {
          try promise(!error.description.isEmpty && rows <= input.count, "a refusal without a reason")
          return false
        }
        replay.finish()
        let summary = replay.summary
        try promise(
          summary.rows <= input.count && summary.refusals.count <= ReplaySummary.keptRefusals
            && summary.ignoredNames.count <= ReplaySummary.keptNames, "more is kept of a file than it holds")
        return summary.events > 0
      }
    })

  /// Of the real data, where the machine has it.
  private static func beginning(ofRealFileFor preset: String) -> [UInt8]? {
    let names = [
      "otto": "otto-20-sessions.jsonl", "rees46": "rees46-2019-oct-sample.csv",
      "taobao": "taobao-userbehavior-timeslice.csv",
    ]
    guard let name = names[preset], let directory = SharedData.directory,
      let file = FileHandle(forReadingAtPath: "\(directory)/\(name)")
    else { return nil }
    return (try? file.read(upToCount: 3_000)).map { [UInt8]($0) }
  }
}
