import Events
import TestSupport
import Testing
import Triggers

@testable import Settings

@Suite struct EpochTests {
  private static let native = try! source("native").text

  private static func source(_ preset: String) throws -> MappingSource {
    try MappingFile.source(of: preset, directory: Binaries.packageRoot + "/Config/mappings")
  }

  private func configuration(_ text: String) throws -> Configuration {
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    return try #require(configuration, "\(findings)")
  }

  private func epoch(_ text: String = "", mapping: String = native) throws -> EpochText {
    EpochText.of(configuration: try configuration(text), mappingText: mapping)
  }

  // MARK: There and back

  @Test func `Whatever is configured, its epoch reads back as the same rules and writes the same text`()
    throws
  {
    var random = SeededGenerator(announcedAs: "epochs")
    var values: [String: Set<String>] = [:]
    for _ in 0..<40 {
      let configuration = RandomConfiguration.next(&random)
      for option in EpochText.options { values[option.path, default: []].insert(option.show(configuration)) }
      let text = EpochText.of(configuration: configuration, mappingText: Self.native)
      let epoch = try EpochText.parse(text.text)
      #expect(epoch.rules == configuration.rules, "\(text.text)")
      #expect(epoch.limits == configuration.decoderLimits)
      #expect(EpochText.of(configuration: epoch.configuration, mappingText: epoch.mappingText) == text)
    }
    for (path, values) in values { #expect(values.count > 1, "\(path) was never varied") }
  }

  @Test(arguments: MappingFile.presets)
  func `A preset is in the text itself`(preset: String) throws {
    let source = try Self.source(preset)
    let epoch = try EpochText.parse(try self.epoch("input: {mapping: \(preset)}", mapping: source.text).text)
    var definition = epoch.mapping.definition
    definition.name = preset
    #expect(definition == (try source.mapping()).definition)
    #expect(epoch.mappingText == source.text)
  }

  @Test(arguments: [
    "event: [type]\r\nnames:\r\n  a: page_view\r\nfields: {user_id: [u], ts: [t]}",
    "\n# é e\u{301}\nevent: [type]\nnames: {a: page_view}\nfields: {user_id: [u], ts: [t]}\n\n",
  ])
  func `A mapping of one's own is kept byte for byte`(mapping: String) throws {
    let text = try epoch(mapping: mapping)
    let read = try EpochText.parse(text.text)
    #expect(Array(read.mappingText.utf8) == Array(mapping.utf8))
    #expect(read.mapping.name == text.name)
  }

  @Test func `The text is one that people can read`() throws {
    let lines = try epoch("cart: {steps: [1h, 24h]}", mapping: "about: none\n").text.split(separator: "\n")
    #expect(
      lines.prefix(3) == [
        "ebb-epoch 1", "state-function: \(StateFunction.version)", "input.max_record_bytes: 1048576",
      ])
    #expect(lines.contains("cart.steps: [1h, 24h]"))
    #expect(lines.suffix(3) == ["shop.timezone: UTC", "mapping:", "about: none"])
  }

  // MARK: Names

  @Test func `The name is the hash of the text, and does not change between releases`() {
    #expect(EpochText(text: "ebb-epoch 1\n").name == "07848ac9c69a65a1")
    // Equal to look at, but not the same bytes.
    #expect(EpochText(text: "\u{E9}") != EpochText(text: "e\u{301}"))
  }

  @Test(arguments: EveryOptionTests.settable)
  func `The name changes with what decides results, and with nothing else`(path: String) throws {
    let option = try #require(OptionTable.byPath[path])
    let value = try #require(EveryOptionTests.values[path])
    let changed = try configuration(EveryOptionTests.file(path, value))
    let text = EpochText.of(
      configuration: changed, mappingText: try Self.source(changed.input.mapping).text)
    #expect((text.name != (try epoch()).name) == option.decidesResults)
  }

  @Test func `A mapping counts by its text, wherever it lies`() throws {
    let here = try epoch("input: {mapping: /here/shop.yaml}", mapping: "a")
    #expect(try epoch("input: {mapping: /elsewhere/mine.yaml}", mapping: "a") == here)
    #expect(try epoch("input: {mapping: /here/shop.yaml}", mapping: "b").name != here.name)
  }

  @Test func `Time-zone data counts with quiet hours only`() throws {
    #expect(!(try epoch().text.contains("\nzones: ")))
    let quiet = try epoch("cart: {quiet_hours: 22:00-08:00}").text
    #expect(quiet.contains("\nzones: \(WireText.hexadecimal(Zones.fingerprint))\n"))
    #expect(try EpochText.parse(quiet).rules.shop.zones == Zones.table)
  }

  @Test func `Any change of a zone's offsets is another fingerprint`() throws {
    var zone = try #require(Zones.table.zone("Europe/Berlin"))
    let before = Zones.fingerprint(of: ZoneTable([zone]))
    zone.starts[zone.starts.count - 1] += 3600
    let later = Zones.fingerprint(of: ZoneTable([zone]))
    zone.offsets[0] += 1
    #expect(Set([before, later, Zones.fingerprint(of: ZoneTable([zone])), Zones.fingerprint]).count == 4)
  }

  // MARK: Texts that cannot be used

  struct Damage: Sendable, CustomTestStringConvertible {
    var find: String
    var replace: String
    var code: SettingsError.Code
    var says: String

    init(_ find: String, _ replace: String, _ code: SettingsError.Code, _ says: String) {
      (self.find, self.replace, self.code, self.says) = (find, replace, code, says)
    }

    var testDescription: String { "\(find) → \(replace)" }
  }

  private static let quiet = "cart: {quiet_hours: 22:00-08:00}"

  @Test(arguments: [
    Damage("ebb-epoch 1\n", "", .epochUnreadable, "has no heading"),
    Damage("ebb-epoch 1", "ebb-epoch 2", .epochForeign, "is in a form that this release does not know"),
    Damage("state-function: 1\n", "", .epochUnreadable, "has no state function"),
    Damage("state-function: 1", "state-function: x", .epochUnreadable, "has no state function"),
    Damage(
      "state-function: 1", "state-function: 9", .epochForeign, "has state function 9, and this release has"),
    Damage("\nmapping:\n", "\nmap:\n", .epochForeign, "names 'map', which is no option of this release"),
    Damage("cart.cap: 3", "cart.cap: 3\ncart.cap: 3", .epochUnreadable, "names 'cart.cap' twice"),
    Damage("cart.cap: 3", "cart.cup: 3", .epochForeign, "names 'cart.cup', which is no option"),
    Damage("cart.cap: 3", "log.level: info", .epochForeign, "names 'log.level', which is no option"),
    Damage("cart.cap: 3", "cart.cap:", .epochUnreadable, "has no value for cart.cap"),
    Damage("cart.cap: 3", "cart.cap: [", .epochUnreadable, "has no value for cart.cap"),
    Damage("cart.cap: 3", "cart.cap", .epochUnreadable, "has a line that is no option: 'cart.cap'"),
    Damage("cart.cap: 3", "cart.cap: 0", .epochForeign, "is refused by this release: cart.cap: 0 is out of"),
    Damage("churn.leave: 50", "churn.leave: 99", .epochForeign, "churn.leave 99 is above churn.enter 60"),
    Damage("names:", "nomes:", .epochForeign, "has a mapping that this release refuses: mapping:"),
    Damage("zones: ", "#", .epochUnreadable, "has a line that is no option"),
    Damage(
      "cart.quiet_hours: 22:00-08:00\n", "", .epochUnreadable, "does not name time-zone data exactly if"),
    Damage("zones: ", "zones: 0", .epochForeign, "has quiet hours by time-zone data '0"),
  ])
  func `A text of another release, or a damaged one, is refused with the way out`(damage: Damage) throws {
    let text = try epoch(Self.quiet).text
    let cut = try #require(text.firstRange(of: damage.find))
    let damaged = text.replacingCharacters(cut, with: damage.replace)
    let error = try #require(throws: SettingsError.self) { try EpochText.parse(damaged) }
    #expect(error.code == damage.code)
    #expect(error.cause.contains(damage.says), "\(error)")
    #expect(error.cause.contains(EpochText(text: damaged).name))
    #expect(error.hint.contains("delete the state and rebuild it from the input"))
    let saysToStop = error.hint.contains("stop cleanly") || error.hint.contains("stop it cleanly")
    #expect(saysToStop == (error.code == .epochForeign))
  }

  @Test func `Users are converted from an epoch of other time-zone data, or of an older state function`()
    throws
  {
    let text = try epoch(Self.quiet).text
    let cut = try #require(text.firstRange(of: "zones: "))
    let foreign = text.replacingCharacters(cut, with: "zones: 0")
    #expect(throws: SettingsError.self) { try EpochText.parse(foreign) }
    #expect(try EpochText.parse(foreign, for: .conversion).rules.windows == Rules().windows)

    let function = try #require(text.firstRange(of: "state-function: \(StateFunction.version)\n"))
    let newer = text.replacingCharacters(function, with: "state-function: \(StateFunction.version + 1)\n")
    #expect(throws: SettingsError.self) { try EpochText.parse(newer, for: .conversion) }
  }

  @Test func `An option that a text does not name has its default`() throws {
    let text = try epoch("cart: {cap: 5}").text
    let cut = try #require(text.firstRange(of: "cart.cap: 5\n"))
    #expect(try EpochText.parse(text.replacingCharacters(cut, with: "")).rules == Rules())
  }

  @Test func `Whatever a text holds, it is read or refused`() throws {
    var random = SeededGenerator(announcedAs: "epoch texts")
    let valid = Array(try epoch(Self.quiet).text.unicodeScalars)
    for _ in 0..<300 {
      var scalars = valid
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let start = Int.random(in: 0..<scalars.count, using: &random)
        let end = min(scalars.count, start + Int.random(in: 0...20, using: &random))
        let piece = ["", "\n", ": ", "[", "}", "\"", "é", "0", "off"].randomElement(using: &random)!
        scalars.replaceSubrange(start..<end, with: Array(piece.unicodeScalars))
      }
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars)
      do {
        _ = try EpochText.parse(String(view))
      } catch {
        #expect([.epochForeign, .epochUnreadable].contains(error.code))
        #expect(!"\(error)".contains("\n"), "\(error)")
      }
    }
    let long = String(repeating: "a: b\n", count: EpochText.maximumBytes / 4)
    #expect(throws: SettingsError.self) { try EpochText.parse(long) }
  }
}

extension String {
  fileprivate func replacingCharacters(_ range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
