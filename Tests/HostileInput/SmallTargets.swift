import Foundation
import Kafka
import Shard
import Supervision

/// Small texts from elsewhere: a token, a record's header, what the kernel says of control groups.
enum SmallTargets {
  static let all = [tokens, positions, groups]

  private static let now: Int64 = 1_772_442_000_000

  private static func token(_ claims: String) -> [UInt8] {
    func part(_ text: String) -> String {
      Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing(
        "=", with: "")
    }
    return Array("\(part(#"{"alg":"RS256"}"#)).\(part(claims)).c2lnbmF0dXJl".utf8)
  }

  /// Half of them as a file, half as what stands in the claims.
  private static let tokens = HostileTarget(
    "tokens", "files with the token to sign in with",
    pieces: [
      ".", "-", "_", "=", "\n", "\"sub\":", "\"exp\":", "1e400", "1e12", "-1", "null", "\\u0000", "\u{7F}",
      "{", "}",
      "[", "eyJ", String(repeating: "[", count: 600), "9223372036854775808", "0.1",
    ],
    seeds: {
      let claims = [
        #"{"sub":"ebb","exp":1772445600}"#,
        #"{"exp":1772445600.5,"sub":"\u00e9bb","scope":["a","b"],"x":{"y":null}}"#,
        #"{"sub":"old","exp":1}"#,
      ]
      return claims.flatMap { [[0] + token($0), [1] + Array($0.utf8)] }
    },
    makeCheck: {
      let file = ScratchFile("token")
      return PlainCheck { input in
        guard let kind = input.first else { return false }
        let rest = Array(input.dropFirst())
        let bytes = kind % 2 == 0 ? rest : token(String(decoding: rest, as: UTF8.self))
        try file.write(bytes)
        switch Result(catching: { () throws(TokenFile.Unusable) in try TokenFile(file.path).read(now: now) })
        {
        case .success(let token):
          try promise(
            token.expiresAt > now && (1...1_024).contains(token.principal.utf8.count)
              && token.value.utf8.allSatisfy { $0 > 32 && $0 < 127 } && token.value.utf8.count <= bytes.count,
            "a token that cannot be sent")
          return true
        case .failure(let error):
          // Never with anything of what it holds.
          try promise(
            !error.description.isEmpty && error.description.utf8.count < 512, "a refusal without a reason")
          return false
        }
      }
    })

  private static let positions = HostileTarget(
    "positions", "the header that tells how current a tombstone is",
    pieces: [":", "-", "+", "0", "9223372036854775807", "-9223372036854775808", "9223372036854775808", " "],
    seeds: {
      ["17:1772442000000", "0:-9223372036854775808", "9223372036854775807:0"].map { Array($0.utf8) }
    },
    makeCheck: {
      PlainCheck { input in
        let text = String(decoding: input, as: UTF8.self)
        guard let position = Position(text: text) else { return false }
        // Equal by bytes, not by what it looks like.
        try promise(Array(position.text.utf8) == Array(text.utf8), "a second spelling of a position")
        return true
      }
    })

  private static let groups = HostileTarget(
    "control-groups", "what the kernel says of the process's control group",
    pieces: ["0::", "/", "\n", ":", ",", "memory", "../", "1:name=systemd:/", "\0"],
    seeds: {
      ["0::/system.slice/ebb.service\n", "4:memory,cpu:/a/b\n1:name=systemd:/a\n"].map { Array($0.utf8) }
    },
    makeCheck: {
      let groups = try ScratchGroups()
      return PlainCheck { input in
        let limit = ProcessMemory.groupLimit(
          root: groups.root, membership: String(decoding: input.prefix(4_096), as: UTF8.self))
        try promise(limit == nil || limit! >= 0, "a limit of \(limit ?? 0)")
        return limit != nil
      }
    })
}

/// A tree of control groups that has a limit at its root, and one at a group.
private final class ScratchGroups {
  let root = FileManager.default.temporaryDirectory.path + "/ebb-fuzz-\(getpid()).groups"

  init() throws {
    let group = root + "/system.slice"
    try FileManager.default.createDirectory(atPath: group, withIntermediateDirectories: true)
    try Data("2000000\n".utf8).write(to: URL(fileURLWithPath: root + "/memory.max"))
    try Data("max\n".utf8).write(to: URL(fileURLWithPath: group + "/memory.max"))
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }
}
