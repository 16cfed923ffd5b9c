import Foundation
import Synchronization

/// The token that clients sign in with (SASL OAUTHBEARER): a JWT in a file that something else renews.
///
/// It is read when a client starts and again before it runs out. Its signature is not looked at: that is for the
/// brokers, and whoever can change the file can change the configuration too.
public final class TokenFile: Sendable, Hashable {
  /// What a file held.
  public struct Token: Sendable, Hashable {
    /// The token itself.
    public let value: String
    /// Whose it is: its claim `sub`.
    public let principal: String
    /// When it runs out, its claim `exp`: milliseconds since 1970 UTC.
    public let expiresAt: Int64
  }

  /// Why a file holds no token that can be used, without anything of what it holds.
  public struct Unusable: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  /// What has come of reading it.
  public struct Standing: Sendable, Hashable {
    public var reads: Int64 = 0
    public var failures: Int64 = 0
    /// Of the last one read, milliseconds since 1970 UTC.
    public var expiresAt: Int64?
  }

  /// A longer file holds no token, bytes.
  public static let maximumBytes = 64 << 10

  public let path: String
  private let state = Mutex(Standing())

  public init(_ path: String) { self.path = path }

  public var standing: Standing { state.withLock(\.self) }

  public static func == (left: TokenFile, right: TokenFile) -> Bool { left.path == right.path }
  public func hash(into hasher: inout Hasher) { hasher.combine(path) }

  /// Reads the file.
  ///
  /// - Parameter now: milliseconds since 1970 UTC; nil: what this machine's clock says.
  public func read(now: Int64? = nil) throws(Unusable) -> Token {
    do throws(Unusable) {
      let token = try Self.parse(try bytes(), path, now: now ?? Int64(Date().timeIntervalSince1970 * 1_000))
      state.withLock {
        $0.reads += 1
        $0.expiresAt = token.expiresAt
      }
      return token
    } catch {
      state.withLock { $0.failures += 1 }
      throw error
    }
  }

  private func bytes() throws(Unusable) -> [UInt8] {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw Unusable(
        description: FileManager.default.fileExists(atPath: path)
          ? "\(path) may not be read: give this user the right to"
          : "there is no file \(path): have whoever renews the token write it there, or correct kafka.token")
    }
    defer { try? file.close() }
    guard let data = try? file.read(upToCount: Self.maximumBytes + 1) else {
      throw Unusable(description: "\(path) cannot be read: check that it is a file")
    }
    guard data.count <= Self.maximumBytes else {
      throw Unusable(description: "\(path) is longer than \(Self.maximumBytes) bytes: it holds no token")
    }
    return [UInt8](data)
  }

  private struct Claims: Decodable {
    var sub: String?
    var exp: Double?
  }

  /// - Parameter path: for messages.
  static func parse(_ bytes: [UInt8], _ path: String, now: Int64) throws(Unusable) -> Token {
    var bytes = bytes[...]
    while let last = bytes.last, [0x0A, 0x0D, 0x20].contains(last) { bytes.removeLast() }
    guard !bytes.isEmpty else { throw Unusable(description: "\(path) is empty: write the token into it") }
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty,
      parts.allSatisfy({ $0.allSatisfy(isBase64URL) })
    else {
      throw Unusable(
        description:
          "\(path) holds no JWT (three parts of base64url, joined by dots): write the access token alone")
    }
    guard let text = decoded(parts[1]), let claims = try? JSONDecoder().decode(Claims.self, from: text) else {
      throw Unusable(description: "the token in \(path) has no readable claims: have it renewed")
    }
    guard let principal = claims.sub, (1...1_024).contains(principal.utf8.count),
      principal.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
    else {
      throw Unusable(
        description: "the token in \(path) names nobody (claim sub): ask its issuer for one that does")
    }
    guard let seconds = claims.exp, seconds > 0, seconds < 1e12 else {
      throw Unusable(
        description:
          "the token in \(path) does not say when it runs out (claim exp): ask its issuer for one that does")
    }
    let expiresAt = Int64(seconds * 1_000)
    guard expiresAt > now else {
      throw Unusable(
        description:
          "the token in \(path) ran out \((now - expiresAt) / 1_000) s ago: look whether its renewal still "
          + "runs, and at this machine's clock")
    }
    return Token(value: String(decoding: bytes, as: UTF8.self), principal: principal, expiresAt: expiresAt)
  }

  private static func isBase64URL(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
      || byte == UInt8(ascii: "-")
      || byte == UInt8(ascii: "_")
  }

  private static func decoded(_ part: ArraySlice<UInt8>) -> Data? {
    var text = String(decoding: part, as: UTF8.self).replacing("-", with: "+").replacing("_", with: "/")
    while text.utf8.count % 4 != 0 { text += "=" }
    return Data(base64Encoded: text)
  }
}
