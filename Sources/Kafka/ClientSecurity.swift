import CRdKafka
import Pipeline

/// How a client protects its connections and signs in, as far as errors are explained by it.
struct ClientSecurity: Sendable {
  /// Lower case, such as `sasl_ssl`.
  var protocolName: String
  /// Upper case, such as `PLAIN`; empty without SASL.
  var mechanism: String
  var hasCertificate: Bool
  var verifies: Bool
  var library = LibraryVersion.current

  init(_ properties: ClientProperties) {
    protocolName = properties["security.protocol"]?.lowercased() ?? "plaintext"
    let named = properties["sasl.mechanism"] ?? properties["sasl.mechanisms"] ?? ""
    mechanism = protocolName.hasPrefix("sasl") ? named.uppercased() : ""
    hasCertificate =
      properties["ssl.certificate.location"] != nil || properties["ssl.keystore.location"] != nil
      || properties["ssl.certificate.pem"] != nil
    verifies =
      protocolName.hasSuffix("ssl")
      && !["false", "f", "0"].contains(
        properties["enable.ssl.certificate.verification"]?.lowercased() ?? "true")
  }

  /// The library's words where it has been given no token.
  private static let tokenTrouble = "Failed to acquire SASL OAUTHBEARER token: "

  /// What became of a connection.
  ///
  /// - Parameter certificate: why the brokers' certificate was refused, if it was.
  func error(
    _ code: KafkaError.Code, cause: String?, class errorClass: KafkaError.Class?, certificate: String?
  ) -> KafkaError {
    let words = cause ?? ""
    if let range = words.firstRange(of: Self.tokenTrouble) {
      return KafkaError(
        code: code, class: errorClass ?? .retriable, message: "there is no token to sign in with",
        hint: "kafka.token is read again every few seconds", cause: String(words[range.upperBound...]))
    }
    var error = KafkaError(code: code, cause: cause, class: errorClass)
    if let (message, hint) = explain(code, words, certificate) {
      error.message = message
      error.hint = hint
    }
    return error
  }

  private func explain(
    _ code: KafkaError.Code, _ words: String, _ certificate: String?
  ) -> (message: String, hint: String)? {
    switch code {
    case .authentication, .saslAuthenticationFailed: refused()
    case .ssl, .transport: handshake(words, certificate)
    default: nil
    }
  }

  private func refused() -> (message: String, hint: String)? {
    switch mechanism {
    case "OAUTHBEARER":
      (
        "the brokers refuse the token",
        "check its issuer, audience and claims against what the brokers expect, and the clocks"
      )
    case _ where mechanism.hasPrefix("SCRAM") && library.isBeforeStrictScram:
      (
        "the brokers refuse this user's name or password, or the way in which librdkafka \(library) signs in with "
          + mechanism,
        "for Kafka 4 and newer install librdkafka 2.6.1 or newer, or use sasl.mechanism PLAIN over TLS; for older "
          + "brokers check sasl.username and sasl.password"
      )
    default: nil
    }
  }

  private func handshake(
    _ words: String, _ certificate: String?
  ) -> (message: String, hint: String)? {
    func says(_ parts: String...) -> Bool { parts.contains { words.contains($0) } }
    if says("certificate verify failed", "certificate could not be verified") {
      return certificate.map(Self.distrust)
        ?? (
          "the brokers' certificate is not trusted",
          "point ssl.ca.location at the certificate of the authority that issued it"
        )
    }
    if says(
      "alert bad certificate", "certificate required", "alert handshake failure", "alert unknown ca",
      "alert certificate")
    {
      return hasCertificate
        ? (
          "the brokers do not accept this client's certificate",
          "check that ssl.certificate.location has not run out and is issued by an authority that they trust"
        )
        : (
          "the brokers ask for a client's certificate, and none is configured",
          "write kafka.properties: {ssl.certificate.location: /path, ssl.key.location: /path}"
        )
    }
    if says("wrong version number", "unexpected eof while reading", "packet length too long") {
      return (
        "this port of the brokers does not speak TLS, or ends the connection in its middle",
        "use the port of their TLS listener in kafka.brokers, or another security.protocol than \(protocolName)"
      )
    }
    return nil
  }

  private static func distrust(_ reason: String) -> (message: String, hint: String) {
    (
      "the brokers' certificate is refused: \(reason)",
      remedies.first { reason.hasPrefix($0.key) }?.value ?? checkAuthority
    )
  }

  private static let checkAuthority = "check that ssl.ca.location is the authority that issued it"
  private static let remedies = [
    "it ran out": "have the brokers' certificate renewed, and check this machine's clock",
    "it is not valid yet": "check this machine's clock and the brokers' certificate",
    "it is for another":
      "name the brokers in kafka.brokers and advertised.listeners as their certificate does",
  ]

  /// OpenSSL's numbers for what is wrong with a certificate.
  static func reason(_ number: Int32) -> String {
    switch number {
    case 9: "it is not valid yet"
    case 10: "it ran out"
    case 62, 64: "it is for another name or address than it was reached by"
    case 2, 18, 19, 20, 21: "no authority in ssl.ca.location has issued it"
    case 23: "it has been revoked"
    default: "OpenSSL's reason \(number)"
    }
  }
}

// MARK: Callbacks

extension ClientHandle {
  /// Sets what protects the client's connections, before it starts.
  static func secure(_ conf: OpaquePointer?, _ inbox: ClientInbox) {
    if inbox.security.verifies {
      // Nothing is judged anew: it keeps the reason, which the library does not tell.
      unsafe rd_kafka_conf_set_ssl_cert_verify_cb(conf) { _, _, _, number, _, _, _, text, size, opaque in
        guard let number = unsafe number, unsafe number.pointee != 0 else { return 1 }
        let reason = unsafe ClientSecurity.reason(number.pointee)
        unsafe ClientInbox.of(opaque)?.contents.withLock { $0.certificate = reason }
        if let text = unsafe text, size > 0 {
          let bytes = reason.utf8.prefix(size - 1)
          for (index, byte) in bytes.enumerated() { unsafe text[index] = CChar(bitPattern: byte) }
          unsafe text[bytes.count] = 0
        }
        return 0
      }
    }
    guard inbox.tokenFile != nil else { return }
    unsafe rd_kafka_conf_enable_sasl_queue(conf, 1)
    unsafe rd_kafka_conf_set_oauthbearer_token_refresh_cb(conf) { client, _, opaque in
      guard let file = unsafe ClientInbox.of(opaque)?.tokenFile else { return }
      do throws(TokenFile.Unusable) {
        let token = try file.read()
        var text = [CChar](repeating: 0, count: 512)
        let code = unsafe rd_kafka_oauthbearer_set_token(
          client, token.value, token.expiresAt, token.principal, nil, 0, &text, text.count)
        if code != RD_KAFKA_RESP_ERR_NO_ERROR {
          throw TokenFile.Unusable(description: "the token in \(file.path) is not accepted: have it renewed")
        }
      } catch {
        unsafe rd_kafka_oauthbearer_set_token_failure(client, error.description)
      }
    }
  }

  /// Tokens are asked for on the library's own background thread: a lane may be at work for long, and some clients are
  /// polled only while they are asked something, but every one of them has to sign in.
  static func startTokens(_ client: OpaquePointer?) throws(KafkaError) {
    if let error = unsafe KafkaError(
      taking: rd_kafka_sasl_background_callbacks_enable(client), subject: "kafka.token")
    {
      throw error
    }
  }
}
