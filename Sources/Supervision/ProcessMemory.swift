import CMemory
import Glibc

/// What the kernel says of memory: of this process's, and of how much there may be.
public enum ProcessMemory {
  /// Memory of a process that no file stands behind, and so cannot be taken from it, bytes; nil: not known.
  ///
  /// - Parameter process: nil: this one.
  public static func anonymousBytes(of process: Int32? = nil) -> Int64? {
    guard let text = read("/proc/\(process.map { String($0) } ?? "self")/statm") else { return nil }
    let fields = text.split(separator: " ").compactMap { Int64($0) }
    guard fields.count >= 3 else { return nil }
    return max(0, fields[1] - fields[2]) * Int64(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Gives memory back that was freed and that the allocator keeps for later. Takes a while.
  public static func trim() { ebb_trim_allocator() }

  /// Gives back at once what is freed from now on. By itself the allocator keeps it for some seconds, for what comes next:
  /// records are fetched in pieces of a megabyte, and the kernel clears each page that it hands out anew.
  public static func keepNothing() { ebb_keep_no_freed_memory() }

  /// Memory of the machine, bytes.
  public static var machineBytes: Int64 {
    // Asks the kernel, and reads no file: a service may not see that.
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    return pages > 0 ? Int64(pages) * Int64(sysconf(Int32(_SC_PAGESIZE))) : .max
  }

  /// What a process may take by itself: nine tenths of its control group's limit, three quarters of the machine,
  /// whichever is less. The rest is for what the kernel counts beside it, and for others.
  public static func automaticMaximum(limit: Int64?, machine: Int64) -> Int64 {
    min(limit.map { $0 / 10 * 9 } ?? .max, machine / 4 * 3)
  }

  /// The least limit of this process's control group and of those around it, bytes; nil: there is none.
  ///
  /// - Parameters:
  ///   - root: where control groups are mounted.
  ///   - membership: the text of `/proc/self/cgroup`; nil: it is read.
  public static func groupLimit(root: String = "/sys/fs/cgroup", membership: String? = nil) -> Int64? {
    guard let membership = membership ?? read("/proc/self/cgroup") else { return nil }
    var limits: [Int64] = []
    for line in membership.split(separator: "\n") {
      // number:controllers:path, the controllers empty in version 2.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isUnified = fields[0] == "0" && fields[1].isEmpty
      guard isUnified || fields[1].split(separator: ",").contains("memory") else { continue }
      let (tree, file) = isUnified ? (root, "memory.max") : (root + "/memory", "memory.limit_in_bytes")
      var path = fields[2].split(separator: "/")
      while true {
        let place = ([Substring(tree)] + path + [Substring(file)]).joined(separator: "/")
        // `max`, or in version 1 a number beyond all memory: no limit.
        if let limit = read(place).flatMap({ Int64($0.prefix { $0 != "\n" }) }), limit < 1 << 60 {
          limits.append(limit)
        }
        if path.isEmpty { break }
        path.removeLast()
      }
    }
    return limits.min()
  }

  /// A small file of the kernel's, whole; nil: it cannot be read.
  private static func read(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
    guard count > 0 else { return nil }
    return String(decoding: bytes[..<count], as: UTF8.self)
  }
}
