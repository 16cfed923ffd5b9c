import Events

extension Configuration {
  /// Everything that results for a user depend on, one option a line. Equal texts give equal alerts for equal
  /// input.
  public var canonicalText: String { canonicalText(without: []) }

  private func canonicalText(without left: Set<String>) -> String {
    OptionTable.all.filter { $0.decidesResults && !left.contains($0.path) }
      .map { "\($0.path): \($0.show(self))\n" }.joined()
  }

  /// 16 hexadecimal digits that change with anything that results for a user depend on, and with nothing
  /// else. With a mapping of one's own, `mappingText` is the text of its file, which counts instead of the
  /// place where it lies.
  public func configVersion(mappingText: String? = nil) -> String {
    var hash = StableHash(seed: 0x6562_6264)
    hash.combine(canonicalText(without: mappingText == nil ? [] : ["input.mapping"]).utf8)
    hash.combine(mappingText)
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// As `configVersion(mappingText:)`, for a preset.
  public var configVersion: String { configVersion() }
}
