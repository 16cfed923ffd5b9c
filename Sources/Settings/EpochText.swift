import Events
import Triggers

/// The way in which events change a user's state.
public enum StateFunction {
  /// Raised by every release in which the same events, under the same options, leave another state or give
  /// other alerts. State of another version is never gone on with unnoticed.
  public static let version = 1
}

/// Everything that decides what events do to users' state, as one text: the options that decide results, the
/// mapping itself, a fingerprint of the time-zone data where quiet hours need it, and the version of the state
/// function. It stands in the state topic, so that what was begun under it can be gone on with under it,
/// whatever the files say by then.
///
/// ```
/// ebb-epoch 1
/// state-function: 1
/// zones: 3f0c…                    only with quiet hours
/// input.max_record_bytes: 1048576
/// …                               every such option, one a line
/// mapping:
/// …                               the mapping file's text, to the end
/// ```
///
/// Equal texts give equal alerts for equal input, so a stored epoch with the running one's name is the running
/// one and need not be parsed. Where a mapping file lies and what it is called is not part of it. An option
/// that a text does not name has its default: an option that is added must have a default that changes nothing,
/// or raise `StateFunction.version`.
public struct EpochText: Sendable, Hashable {
  /// A longer text is refused, bytes: a mapping and a page of options fit.
  public static let maximumBytes = MappingFile.maximumBytes + (1 << 16)

  public let text: String
  /// Of the text's bytes; the same in every release.
  public let hash: UInt64

  /// Takes a text as it was stored. Only `parse` tells whether it can be used.
  public init(text: String) {
    self.text = text
    var hash = StableHash(seed: 0x6562_6264)
    hash.combine(text.utf8)
    self.hash = hash.value
  }

  /// 16 hexadecimal digits: `config_version` of every alert, and the epoch's name in stored state.
  public var name: String { WireText.hexadecimal(hash) }

  /// By bytes, where texts compare by what they look like.
  public static func == (left: EpochText, right: EpochText) -> Bool {
    left.hash == right.hash && left.text.utf8.elementsEqual(right.text.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(hash)
  }

  static let heading = "ebb-epoch 1"
  static let mappingHeading = "mapping:"
  static let functionName = "state-function"
  static let zonesName = "zones"

  /// The options that stand in it. The mapping stands there itself, rather than its name.
  static let options = OptionTable.all.filter { $0.decidesResults && $0.path != "input.mapping" }

  /// The epoch of a configuration with its mapping.
  ///
  /// - Parameter mappingText: the whole text of the mapping that `input.mapping` names, a preset's too:
  ///   `MappingSource.text`.
  public static func of(configuration: Configuration, mappingText: String) -> EpochText {
    var lines = [heading, "\(functionName): \(StateFunction.version)"]
    if configuration.rules.cart.quietHours != nil {
      lines.append("\(zonesName): \(WireText.hexadecimal(Zones.fingerprint))")
    }
    lines += options.map { "\($0.path): \($0.show(configuration))" }
    lines.append(mappingHeading)
    return EpochText(text: lines.joined(separator: "\n") + "\n" + mappingText)
  }
}
