import Foundation

/// Small files of text, read whole.
public enum TextFile {
  /// - Throws: `SettingsError` naming the path.
  public static func read(_ path: String, maximumBytes: Int) throws(SettingsError) -> String {
    let bytes = try bytes(path, maximumBytes: maximumBytes)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SettingsError(
        code: .notText, cause: "\(path) is not UTF-8\(place(bytes).map { " (line \($0))" } ?? "")",
        hint: "save it as UTF-8")
    }
    return text
  }

  static func bytes(_ path: String, maximumBytes: Int) throws(SettingsError) -> [UInt8] {
    guard let file = FileHandle(forReadingAtPath: path) else {
      let exists = FileManager.default.fileExists(atPath: path)
      throw SettingsError(
        code: .unreadable, cause: exists ? "\(path) may not be read" : "there is no file \(path)",
        hint: exists ? "give this user the right to read it" : "check the path")
    }
    defer { try? file.close() }
    let data: Data
    do {
      data = try file.read(upToCount: maximumBytes + 1) ?? Data()
    } catch {
      throw SettingsError(
        code: .unreadable, cause: "\(path) cannot be read", hint: "check that it is a file, not a directory")
    }
    guard data.count <= maximumBytes else {
      throw SettingsError(
        code: .tooLarge, cause: "\(path) is longer than \(maximumBytes) bytes", hint: "check the path")
    }
    return Array(data)
  }

  /// The line of the first byte that is not UTF-8.
  private static func place(_ bytes: [UInt8]) -> Int? {
    var line = 1
    for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if String(validating: part, as: UTF8.self) == nil { return line }
      line += 1
    }
    return nil
  }
}

extension SecretSource {
  /// Reads the secret; one line break at its end is left out.
  ///
  /// - Parameter credentials: `$CREDENTIALS_DIRECTORY` of the service.
  /// - Throws: `SettingsError` that names where it was looked for.
  public func read(credentials: String?) throws(SettingsError) -> Secret {
    let path: String
    switch self {
    case .file(let file): path = file
    case .credential(let name):
      guard let credentials, !credentials.isEmpty else {
        throw SettingsError(
          code: .secretMissing, cause: "the credential \(name) is asked for, but systemd has passed none",
          hint: "add LoadCredential=\(name):/path to the unit, or write {file: /path}")
      }
      path = "\(credentials)/\(name)"
      guard FileManager.default.fileExists(atPath: path) else {
        throw SettingsError(
          code: .secretMissing, cause: "the credential \(name) is not among those passed (\(credentials))",
          hint: "put the secret into /etc/credstore/\(name), if the unit has LoadCredential=\(name), or add "
            + "LoadCredential=\(name):/path to it by systemctl edit")
      }
    }
    var text = try TextFile.read(path, maximumBytes: 1 << 16)
    if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
    guard !text.isEmpty else {
      throw SettingsError(code: .secretMissing, cause: "\(path) is empty", hint: "write the secret into it")
    }
    return Secret(text)
  }
}
