import Foundation

extension Examination {
  /// Adds what can be seen of the files that protect connections: missing, not what they should be, or for anyone to
  /// read. A missing one is a warning, since another machine may be the one that runs it.
  public mutating func lookForCertificates() {
    guard let kafka = configuration?.kafka else { return }
    for (name, label) in [
      ("ssl.ca.location", "CERTIFICATE-----"), ("ssl.certificate.location", "CERTIFICATE-----"),
      ("ssl.key.location", "PRIVATE KEY-----"),
    ] {
      guard let path = kafka.properties[name], path != "probe" else { continue }
      look(at: path, "kafka.properties.\(name)", holds: label, isSecret: name == "ssl.key.location")
    }
    if let path = kafka.token { look(at: path, "kafka.token", holds: nil, isSecret: true) }
  }

  /// - Parameter label: how a PEM block in it begins, behind `-----BEGIN `; nil: it is no PEM.
  private mutating func look(at path: String, _ option: String, holds label: String?, isSecret: Bool) {
    guard
      let attributes = try? FileManager.default.attributesOfItem(
        atPath: (path as NSString).resolvingSymlinksInPath)
    else {
      add(.warning, at: option, "\(option): \(path) is not to be seen from here; ebbd run will need it")
      return
    }
    let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
    if isSecret, mode & 0o007 != 0 {
      add(.warning, at: option, "\(option): anyone may read \(path); chmod 0640 it")
    }
    // A directory of certificates by their hashes.
    if attributes[.type] as? FileAttributeType == .typeDirectory {
      if label == nil || isSecret {
        add(.error, at: option, "\(option): \(path) is a directory; name a file")
      }
      return
    }
    guard let label else { return }
    guard let file = FileHandle(forReadingAtPath: path) else {
      add(.error, at: option, "\(option): \(path) may not be read; give this user the right to read it")
      return
    }
    defer { try? file.close() }
    let text =
      (try? file.read(upToCount: 4 << 20)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) } ?? ""
    guard text.contains("-----BEGIN ") && text.contains(label) else {
      let what = label.hasPrefix("C") ? "certificate" : "private key"
      add(
        .error, at: option,
        "\(option): \(path) holds no \(what) in PEM (-----BEGIN ...); convert it by openssl")
      return
    }
  }
}
