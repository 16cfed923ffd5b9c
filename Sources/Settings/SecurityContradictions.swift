/// How the brokers are reached and signed in to, where that cannot be as it is written.
extension Contradictions {
  private static let mechanisms = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI"]
  private static let protocols = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]

  static func judgeSecurity(_ kafka: KafkaSettings, _ bench: inout Bench) {
    let name = kafka.properties["security.protocol"]?.lowercased() ?? "plaintext"
    // librdkafka tells of any other.
    guard protocols.contains(name) else { return }
    judgeSigningIn(kafka, name, &bench)
    judgeEncryption(kafka, name, &bench)
  }

  private static func judgeSigningIn(_ kafka: KafkaSettings, _ name: String, _ bench: inout Bench) {
    let properties = kafka.properties
    let mechanismName = properties["sasl.mechanism"] != nil ? "sasl.mechanism" : "sasl.mechanisms"
    let mechanism = (properties[mechanismName] ?? "").uppercased()
    let isSASL = name.hasPrefix("sasl")
    for property in ["sasl.mechanism", "sasl.mechanisms", "sasl.username"] {
      bench.refuse(
        "kafka.properties.\(property)", "kafka.properties", if: properties[property] != nil && !isSASL,
        "\(property) is not used without SASL: security.protocol is \(name); write security.protocol: "
          + (name == "ssl" ? "sasl_ssl" : "sasl_ssl, or remove it"))
    }
    bench.refuse(
      "kafka.token", "kafka.properties", if: kafka.token != nil && !isSASL,
      "kafka.token is not used without SASL; write kafka.properties: {security.protocol: sasl_ssl, sasl.mechanism: "
        + "OAUTHBEARER}")
    guard isSASL else { return }
    let at = "kafka.properties.\(mechanismName)"
    if mechanism.isEmpty {
      bench.refuse(
        "kafka.properties.security.protocol", "kafka.properties", if: true,
        "security.protocol \(name) needs sasl.mechanism; write one of \(mechanisms.joined(separator: ", "))")
      return
    }
    bench.refuse(
      at, "kafka.properties", if: !mechanisms.contains(mechanism),
      "\(mechanismName) \(quoted(mechanism)) is not known; write one of \(mechanisms.joined(separator: ", "))"
    )
    let takesPassword = mechanism == "PLAIN" || mechanism.hasPrefix("SCRAM")
    bench.refuse(
      at, "kafka.properties", if: takesPassword && properties["sasl.username"] == nil,
      "\(mechanismName) \(mechanism) needs a user; write sasl.username beside it")
    bench.warn(
      at, "kafka.properties", if: mechanism == "PLAIN" && name == "sasl_plaintext",
      "sasl_plaintext with PLAIN sends the password in the clear; write security.protocol: sasl_ssl")
    bench.warn(
      at, "kafka.properties", if: mechanism == "OAUTHBEARER" && name == "sasl_plaintext",
      "sasl_plaintext with OAUTHBEARER sends the token in the clear; write security.protocol: sasl_ssl")
    let isOIDC = properties["sasl.oauthbearer.method"]?.lowercased() == "oidc"
    let isUnsecured = properties["enable.sasl.oauthbearer.unsecure.jwt"] == "true"
    bench.refuse(
      at, "kafka.properties",
      if: mechanism == "OAUTHBEARER" && kafka.token == nil && !isOIDC && !isUnsecured,
      "\(mechanismName) OAUTHBEARER needs a token; write kafka.token: {file: /path}")
    bench.refuse(
      "kafka.token", "kafka.properties", if: kafka.token != nil && mechanism != "OAUTHBEARER",
      "kafka.token is not used by sasl.mechanism \(mechanism); write OAUTHBEARER, or remove it")
    bench.refuse(
      "kafka.token", "kafka.properties", if: kafka.token != nil && (isOIDC || isUnsecured),
      "kafka.token and sasl.oauthbearer.method oidc or enable.sasl.oauthbearer.unsecure.jwt each say where the token "
        + "is from; remove one")
    bench.warn(
      "kafka.properties.enable.sasl.oauthbearer.unsecure.jwt", "kafka.properties", if: isUnsecured,
      "enable.sasl.oauthbearer.unsecure.jwt makes tokens that anyone can make; write kafka.token: {file: /path}"
    )
  }

  private static func judgeEncryption(_ kafka: KafkaSettings, _ name: String, _ bench: inout Bench) {
    let (properties, secrets) = (kafka.properties, kafka.secrets)
    let isTLS = name.hasSuffix("ssl")
    for property in [
      "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.keystore.location",
    ] {
      bench.refuse(
        "kafka.properties.\(property)", "kafka.properties", if: properties[property] != nil && !isTLS,
        "\(property) is not used: security.protocol is \(name), which encrypts nothing; write security.protocol: "
          + (name == "plaintext" ? "ssl" : "sasl_ssl"))
    }
    guard isTLS else { return }
    let hasCertificate =
      properties["ssl.certificate.location"] != nil || properties["ssl.certificate.pem"] != nil
    let hasKey = properties["ssl.key.location"] != nil || secrets["ssl.key.pem"] != nil
    bench.refuse(
      "kafka.properties.ssl.certificate.location", "kafka.properties", if: hasCertificate && !hasKey,
      "ssl.certificate.location has no key; write ssl.key.location beside it, or kafka.secrets: {ssl.key.pem: {file: "
        + "/path}}")
    bench.refuse(
      "kafka.properties.ssl.key.location", "kafka.secrets.ssl.key.pem", "kafka.properties",
      if: hasKey && !hasCertificate,
      "the key has no certificate; write ssl.certificate.location beside it")
    bench.warn(
      "kafka.properties.enable.ssl.certificate.verification", "kafka.properties",
      if: ["false", "f", "0"].contains(properties["enable.ssl.certificate.verification"]?.lowercased() ?? ""),
      "enable.ssl.certificate.verification is off: anyone in between can be the brokers; remove it, and point "
        + "ssl.ca.location at the authority of their certificates")
    bench.warn(
      "kafka.properties.ssl.endpoint.identification.algorithm", "kafka.properties",
      if: properties["ssl.endpoint.identification.algorithm"]?.lowercased() == "none",
      "ssl.endpoint.identification.algorithm none takes any certificate of the authority for the brokers'; remove it, "
        + "and have their certificates name their hosts")
  }

  /// Whether users' ids are shown, and by which key they are not.
  static func judgePrivacy(_ privacy: PrivacySettings, _ bench: inout Bench) {
    bench.refuse(
      "privacy.user_ids", "privacy.key", if: privacy.userIDs == .hashed && privacy.key == nil,
      "privacy.user_ids hashed needs a key; write privacy.key: {file: /path} or {credential: name}")
    bench.warn(
      "privacy.key", "privacy.user_ids", if: privacy.userIDs == .plain && privacy.key != nil,
      "privacy.key is not used while privacy.user_ids is plain; write hashed")
  }
}
