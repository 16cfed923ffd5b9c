import Events
import Foundation
import Settings
import TestSupport

/// What people write, and what of it is stored: configuration, mapping files, texts of epochs.
enum TextTargets {
  static let all = [configuration, mapping, epoch]

  private static let yaml = [
    ":", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ", ", "#", "\"", "'", "&a ", "*a", "!!str ", "|\n",
    ">", "? ",
    "---\n", "...\n", "%YAML 1.1\n", "\t", "<<: *a", "\u{0}", "\u{E000}", "\u{FEFF}", "\u{85}", "\r\n", "é",
    "🛒", "~",
    "off", "30m", "-1", "99999999999999999999d", "1e999", "{file: /x}", "EUR", "auto",
    String(repeating: "[", count: 300), String(repeating: "- ", count: 300),
    String(repeating: "a: ", count: 50),
    "&a [*a, *a]", "kafka:", "cart:", "windows:", "http:", "memory:", "fields:", "types:", "time:", "items:",
  ]

  /// A word on each finding: a place, and a message on one line.
  private static func check(_ findings: [Finding], isRefused: Bool) throws {
    try promise(
      isRefused == findings.contains { $0.severity == .error },
      "refused without an error, or the other way round")
    for finding in findings {
      try promise(finding.line >= 1 && finding.column >= 1, "no place: \(finding)")
      try promise(
        !finding.message.isEmpty && !finding.message.contains("\n") && !finding.message.contains("\0"),
        "no message of one line: \(finding)")
    }
    try promise(findings.count <= 10_000, "\(findings.count) findings")
  }

  /// Lines that are only remarks cost time and try nothing.
  private static func withoutRemarks(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { line in line.first { $0 != " " } != "#" }.joined(separator: "\n")
  }

  private static func text(_ input: [UInt8]) -> String { String(decoding: input, as: UTF8.self) }

  private static let configuration = HostileTarget(
    "configuration", "configuration files", pieces: yaml,
    seeds: {
      [Array(withoutRemarks(Reference.yaml()).utf8.prefix(1_500))]
        + [
          "kafka:\n  brokers: [a:1, b:2]\n  properties: {security.protocol: ssl}\n",
          "cart: {steps: [1h, 24h], min_value_minor: {EUR: 100, default: 0}, quiet_hours: 22:00-08:00}\n",
          "windows: {hour: 1h, week: 7d}\nchurn:\n  weights: {overdue: 0.5}\n  bands: {watch: 61}\n",
          "start: 2026-11-01T00:00:00Z\nlanes: 3\ndelivery: at-least-once\nstate: {directory: off}\n",
          "http: {listen: \"[::1]:0\", token: {file: /t}, names: [a.example]}\nlog: {level: debug}\n",
          "shop: {timezone: Europe/Berlin}\nmemory: {max: 1000000000}\n",
        ].map { Array($0.utf8) }
    },
    makeCheck: {
      PlainCheck { input in
        let (configuration, findings) = Configuration.parse(text: text(input), file: "f")
        try check(findings, isRefused: configuration == nil)
        guard let configuration else { return false }
        let again = Configuration.parse(text: Reference.yaml(configuration), file: "f")
        try promise(again.0 == configuration, "written out it reads differently: \(again.1)")
        return true
      }
    })

  /// A mapping file and, behind a zero byte, a record to read by it.
  private static let mapping = HostileTarget(
    "mapping-files", "mapping files, and records read by them", pieces: yaml + SampleRecords.pieces,
    seeds: {
      try MappingFile.presets.map { preset in
        let file = Array(withoutRemarks(try MappingFile.source(of: preset).text).utf8)
        let record = SampleRecords.texts.first { $0.preset == preset }?.text ?? SampleRecords.texts[0].text
        return file + [0] + Array(record.utf8)
      }
    },
    makeCheck: {
      PlainCheck { input in
        let parts = input.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let (mapping, findings) = MappingFile.parse(text(Array(parts[0])), file: "f", name: "f")
        try check(findings, isRefused: mapping == nil)
        guard let mapping else { return false }
        let reader = EventReader("a mapping file", mapping)
        _ = try reader.read(
          parts.count > 1 ? Array(parts[1]) : [], key: Array("key".utf8), recordTime: recordTime)
        for record in records { _ = try reader.read(record, key: nil, recordTime: -1) }
        return true
      }
    })

  private static let recordTime: Int64 = 1_798_761_600_000
  private static let records = SampleRecords.texts.map { Array($0.text.utf8) }

  /// A text that was read is the text of an epoch again, and of the same one.
  private static let epoch = HostileTarget(
    "epoch-texts", "texts of earlier configurations, from the state topic", pieces: yaml + ["\n\n", "\u{1}"],
    seeds: {
      let mapping = withoutRemarks(try MappingFile.source(of: "taobao").text)
      let whole = EpochText.of(configuration: .defaults, mappingText: mapping).text
      // Options that are not there have their defaults: some of them at a time, so that many texts are read.
      return (0..<10).map { part in
        let lines = whole.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
        let kept = lines.filter { number, line in !line.contains(".") || number % 10 == part || number < 3 }
        return Array(kept.map(\.element).joined(separator: "\n").utf8)
      }
    },
    makeCheck: {
      PlainCheck { input in
        do throws(SettingsError) {
          let epoch = try EpochText.parse(text(input), for: input.count % 2 == 0 ? .replay : .conversion)
          let again = EpochText.of(configuration: epoch.configuration, mappingText: epoch.mappingText)
          let isSame = try EpochText.parse(again.text).configuration == epoch.configuration
          if !isSame { throw SettingsError(code: .epochForeign, cause: "", hint: "") }
          return true
        } catch {
          try promise(!error.cause.isEmpty && !error.hint.isEmpty, "a refusal without cause or remedy")
          return false
        }
      }
    })
}
