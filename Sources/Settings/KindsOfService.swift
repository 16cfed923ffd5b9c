import Yams

/// What is written where the secret itself was.
let secretHint = "takes {file: /absolute/path} or {credential: name}, never the secret itself"

/// Where a secret is read from; nil: it does not say.
func readSecretSource(_ node: Node) -> SecretSource? {
  guard case .mapping(let source) = node, source.count == 1, let (how, what) = source.first,
    case .scalar(let name) = how, case .scalar(let value) = what, !value.string.isEmpty
  else { return nil }
  switch name.string {
  case "file" where value.string.hasPrefix("/"): return .file(value.string)
  case "credential" where !value.string.contains("/") && value.string != "." && value.string != "..":
    return .credential(value.string)
  default: return nil
  }
}

extension Kind where Value == SecretSource {
  /// `{file: path}` or `{credential: name}`.
  static var secretSource: Kind {
    Kind(name: "`{file: path}` or `{credential: name}`", bounds: "") { node, path, reading in
      if let source = readSecretSource(node) { return source }
      reading.refuse(node, path, "\(path) \(secretHint)")
      return nil
    } show: { source in
      switch source {
      case .file(let path): yamlMap([("file", yamlText(path))])
      case .credential(let name): yamlMap([("credential", yamlText(name))])
      }
    }
  }
}

extension Kind where Value == String {
  /// `{file: path}` alone: a credential would be the one of the start for ever.
  static var tokenFile: Kind {
    Kind(name: "`{file: path}`", bounds: "") { node, path, reading in
      if case .file(let file) = readSecretSource(node) { return file }
      reading.refuse(node, path, "\(path) takes {file: /absolute/path}, where something renews the token")
      return nil
    } show: { path in
      yamlMap([("file", yamlText(path))])
    }
  }
}

extension Kind where Value == ListenAddress {
  /// `host:port`, an IPv6 address in brackets.
  static var listenAddress: Kind {
    Kind(name: "`host:port`", bounds: "port 0 to 65535") { node, path, reading in
      guard let text = reading.scalar(node, path, takes: "an address such as 127.0.0.1:9322, or off") else {
        return nil
      }
      guard let address = ListenAddress(parsing: text) else {
        reading.refuse(
          node, path, "\(path): \(quoted(text)) is no address to listen at; write one such as 127.0.0.1:9322")
        return nil
      }
      return address
    } show: {
      yamlText($0.description)
    }
  }
}

extension ListenAddress {
  /// Reads `host:port`, an IPv6 address in brackets; nil: it is none.
  public init?(parsing text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      let host = Self.bare(text[..<colon])
    else { return nil }
    self.init(host: host, port: Int(port))
  }

  /// Without brackets; nil: it cannot be a host.
  private static func bare(_ host: Substring) -> String? {
    if host.hasPrefix("["), host.hasSuffix("]"), host.dropFirst().dropLast().contains(":") {
      let address = host.dropFirst().dropLast()
      return address.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." } ? String(address) : nil
    }
    return isHostName(host) ? String(host) : nil
  }
}

extension Kind where Value == String {
  /// As it stands in a URL.
  static var hostName: Kind {
    .text("host name", bounds: "at most 253 letters, digits, dots and -") { text in
      isHostName(text[...])
        ? nil : "is no host name; write one such as ebb.shop.example, without scheme and port"
    }
  }
}

private func isHostName(_ text: Substring) -> Bool {
  (1...253).contains(text.utf8.count)
    && text.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
        || "-._".utf8.contains(byte)
    }
}
