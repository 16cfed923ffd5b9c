import Events
import Triggers

/// What an epoch's text means.
public struct Epoch: Sendable {
  /// With the offsets of time zones where quiet hours need them.
  public var rules: Rules
  /// Named after the epoch, since where it came from is not part of it.
  public var mapping: Mapping
  /// What a decoder refuses.
  public var limits: DecoderLimits

  /// The options that the text names; all others have their defaults.
  package let configuration: Configuration
  package let mappingText: String
}

extension Configuration {
  /// What a decoder refuses.
  public var decoderLimits: DecoderLimits {
    DecoderLimits(
      maximumRecordBytes: input.maxRecordBytes,
      maximumFutureSkewMilliseconds: rules.time.maxFutureSkewMilliseconds)
  }
}

extension EpochText {
  /// What a text is read for.
  public enum Purpose: Sendable, Hashable {
    /// To go on with input under it: results must be what they would have been then.
    case replay
    /// To convert users who were flushed under it: an older state function and other time-zone data do not
    /// matter, since nothing is computed under it any more.
    case conversion
  }

  /// Reads a text that was stored. No file is needed for it.
  ///
  /// - Throws: `SettingsError` with the way out: `.epochUnreadable` if it is damaged or no such text,
  ///   `.epochForeign` if it is of another release or of other time-zone data.
  public static func parse(_ text: String, for purpose: Purpose = .replay) throws(SettingsError) -> Epoch {
    let epoch = EpochText(text: text)
    var reader = EpochReader(epoch: epoch)
    try reader.read()
    return try reader.judged(for: purpose)
  }
}

/// Reads one text, line by line.
private struct EpochReader {
  private let epoch: EpochText
  private var rest: Substring.UTF8View
  private var reading: Reading
  private var configuration = Configuration()
  private var function: Int?
  private var zones: String?
  private var seen: Set<String> = []

  init(epoch: EpochText) {
    self.epoch = epoch
    rest = epoch.text.utf8[...]
    reading = Reading(file: epoch.name)
  }

  /// Everything up to the mapping.
  mutating func read() throws(SettingsError) {
    guard epoch.text.utf8.count <= EpochText.maximumBytes else {
      throw unreadable("is longer than \(EpochText.maximumBytes) bytes")
    }
    guard let heading = line(), heading == EpochText.heading else {
      let isOther = epoch.text.hasPrefix("ebb-epoch ")
      throw isOther ? foreign("is in a form that this release does not know") : unreadable("has no heading")
    }
    while let line = line() {
      if line == EpochText.mappingHeading { return }
      try option(line)
    }
    throw unreadable("has no mapping")
  }

  /// The next whole line.
  private mutating func line() -> String? {
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
    defer { rest = rest[rest.index(after: end)...] }
    return String(Substring(rest[..<end]))
  }

  private mutating func option(_ line: String) throws(SettingsError) {
    guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      throw unreadable("has a line that is no option: \(quoted(line))")
    }
    let name = String(line[..<colon])
    let value = String(line[line.utf8.index(after: colon)...].drop { $0 == " " })
    guard seen.insert(name).inserted else { throw unreadable("names \(quoted(name)) twice") }
    switch name {
    case EpochText.functionName:
      guard let number = Int(value), number >= 1 else { throw unreadable("has no state function") }
      function = number
    case EpochText.zonesName: zones = value
    default:
      guard let option = OptionTable.byPath[name], option.decidesResults, name != "input.mapping" else {
        throw foreign("names \(quoted(name)), which is no option of this release that decides results")
      }
      guard let node = Document.compose(value, &reading) else {
        throw unreadable("has no value for \(name)")
      }
      option.read(node, &reading, &configuration)
    }
  }

  /// The whole, held against this release and this machine.
  func judged(for purpose: EpochText.Purpose) throws(SettingsError) -> Epoch {
    guard let function else { throw unreadable("has no state function") }
    guard function == StateFunction.version || purpose == .conversion && function < StateFunction.version
    else {
      throw foreign("has state function \(function), and this release has \(StateFunction.version)")
    }
    var judged = reading
    Contradictions.judge(configuration, &judged)
    if let error = judged.findings.first(where: { $0.severity == .error }) {
      throw foreign("is refused by this release: \(error.message)")
    }
    var configuration = configuration
    guard (configuration.rules.cart.quietHours != nil) == (zones != nil) else {
      throw unreadable("does not name time-zone data exactly if it has quiet hours")
    }
    if let zones {
      let ours = WireText.hexadecimal(Zones.fingerprint)
      guard zones == ours || purpose == .conversion else {
        throw SettingsError(
          code: .epochForeign,
          cause:
            "epoch \(epoch.name) has quiet hours by time-zone data \(quoted(zones)), and this machine has "
            + ours,
          hint: "start once with the time-zone data that it was written with and stop cleanly, which flushes "
            + "all state; or delete the state and rebuild it from the input")
      }
      configuration.rules.shop.zones = Zones.table
    }
    let text = String(Substring(rest))
    let (mapping, findings) = MappingFile.parse(text, file: "mapping", name: epoch.name)
    guard let mapping else {
      throw foreign("has a mapping that this release refuses: \(findings.first?.description ?? "")")
    }
    return Epoch(
      rules: configuration.rules, mapping: mapping, limits: configuration.decoderLimits,
      configuration: configuration, mappingText: text)
  }

  private func unreadable(_ what: String) -> SettingsError {
    SettingsError(
      code: .epochUnreadable, cause: "the text of epoch \(epoch.name) \(what)",
      hint: "the state topic is damaged or not Ebb's: delete the state and rebuild it from the input")
  }

  private func foreign(_ what: String) -> SettingsError {
    SettingsError(
      code: .epochForeign, cause: "epoch \(epoch.name) \(what)",
      hint:
        "start the release that wrote it once and stop it cleanly, which flushes all state; or delete the "
        + "state and rebuild it from the input")
  }
}
