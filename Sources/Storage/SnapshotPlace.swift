import Events
import Glibc
import Pipeline

/// Where the snapshots of a group's partitions lie, and of which topics they are.
public struct SnapshotPlace: Sendable, Hashable {
  /// An absolute path.
  public var directory: String
  public var group: String
  public var inputTopic: String
  public var stateTopic: String

  public init(directory: String, group: String, inputTopic: String, stateTopic: String) {
    self.directory = directory
    self.group = group
    self.inputTopic = inputTopic
    self.stateTopic = stateTopic
  }

  /// Makes the directory if it is missing, for this user alone.
  ///
  /// - Throws: it cannot be made, or others may write there.
  public func prepare() throws(SnapshotError) {
    if unsafe mkdir(directory, 0o700) != 0, errno != EEXIST {
      throw SnapshotError("the directory \(directory) cannot be made; \(OpenFile.sentence(errno))")
    }
    try checkDirectory()
  }

  /// Holds the directory to be nobody else's.
  func checkDirectory() throws(SnapshotError) {
    let directory = try openDirectory()
    let status = try directory.status()
    if status.st_uid != geteuid(), status.st_uid != 0 {
      throw SnapshotError("the directory \(self.directory) belongs to another user")
    }
    if status.st_mode & 0o002 != 0 {
      throw SnapshotError("everybody may write to the directory \(self.directory)")
    }
  }

  func openDirectory() throws(SnapshotError) -> OpenFile {
    do throws(SnapshotError) {
      return try OpenFile(directory, O_RDONLY | O_DIRECTORY)
    } catch {
      throw SnapshotError("the directory \(directory) cannot be opened; \(error.reason)")
    }
  }

  /// Of a partition's snapshot.
  public func path(_ partition: Int32) -> String {
    var name = Self.escaped(group) + "~" + Self.escaped(inputTopic)
    if name.utf8.count > 200 {
      var hash = StableHash(seed: 9)
      hash.combine(name.utf8)
      name = String(name.prefix(180)) + "~" + String(hash.value, radix: 16)
    }
    return "\(directory)/\(name)~\(partition).ebbsnap"
  }

  /// Of a snapshot that is being written.
  func temporaryPath(_ partition: Int32) -> String { path(partition) + ".part" }

  func header(_ snapshot: SnapshotHeader) -> SnapshotFileHeader {
    SnapshotFileHeader(group: group, inputTopic: inputTopic, stateTopic: stateTopic, snapshot: snapshot)
  }

  /// A group's name may hold anything; what topics' names may hold stays as it is.
  private static func escaped(_ name: String) -> String {
    var text = ""
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return text
  }
}
