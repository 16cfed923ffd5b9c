import Crypto

/// HMAC-SHA-256 (RFC 2104) of users' keys, so that whoever looks can tell users apart without their being named.
public struct KeyedHash: Sendable {
  private let key: SymmetricKey

  public init(key: [UInt8]) { self.key = SymmetricKey(data: key) }

  /// 32 bytes.
  func code(of text: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: text, using: key))
  }

  /// What stands for a user: `hmac:` and the first 128 bits in hexadecimal digits.
  public func name(of user: String) -> String {
    "hmac:"
      + code(of: Array(user.utf8)).prefix(16).map { byte in
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }.joined()
  }
}
