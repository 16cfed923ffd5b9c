import Admin
import Foundation
import Settings

/// How users are named where a person or a log can see it (`privacy.user_ids`). Topics carry ids as they are.
struct UserNames: Sendable {
  /// nil: by their ids.
  private let hash: KeyedHash?

  static let plain = UserNames(hash: nil)

  private init(hash: KeyedHash?) { self.hash = hash }

  /// A shorter key could be found by trying, bytes.
  static let leastKeyBytes = 16

  init(_ privacy: PrivacySettings) throws(SettingsError) {
    guard privacy.userIDs == .hashed, let source = privacy.key else {
      hash = nil
      return
    }
    let key = try source.read(credentials: ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"])
    guard key.value.utf8.count >= Self.leastKeyBytes else {
      throw SettingsError(
        code: .secretMissing, cause: "privacy.key is shorter than \(Self.leastKeyBytes) bytes",
        hint: "make one by: openssl rand -base64 32")
    }
    hash = KeyedHash(key: Array(key.value.utf8))
  }

  /// - Parameter user: his key.
  func shown(_ user: String) -> String { hash?.name(of: user) ?? user }
}
