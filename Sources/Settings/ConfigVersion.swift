import Events

extension Configuration {
  /// Everything that results for a user depend on, one option a line. Equal texts give equal alerts for equal
  /// input.
  public var canonicalText: String {
    OptionTable.all.filter(\.decidesResults).map { "\($0.path): \($0.show(self))\n" }.joined()
  }

  /// 16 hexadecimal digits that change with anything that results for a user depend on, and with nothing
  /// else. With a mapping of one's own, `mappingText` is the text of its file.
  public func configVersion(mappingText: String? = nil) -> String {
    var hash = StableHash(seed: 0x6562_6264)
    hash.combine(canonicalText.utf8)
    hash.combine(mappingText)
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  public var configVersion: String { configVersion() }
}
