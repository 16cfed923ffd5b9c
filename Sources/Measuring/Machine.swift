import Foundation

/// What a measurement was made on, to be named beside it.
public enum Machine {
  #if arch(x86_64)
    public static let architecture = "x86_64"
  #elseif arch(arm64)
    public static let architecture = "aarch64"
  #else
    public static let architecture = "another architecture"
  #endif

  /// Major and minor version of the compiler that built this. What our code compiles to depends on it.
  #if compiler(>=6.5)
    public static let compiler = "Swift 6.5 or newer"
  #elseif compiler(>=6.4)
    public static let compiler = "Swift 6.4"
  #elseif compiler(>=6.3)
    public static let compiler = "Swift 6.3"
  #elseif compiler(>=6.2)
    public static let compiler = "Swift 6.2"
  #else
    public static let compiler = "a Swift before 6.2"
  #endif

  /// What figures that depend on our code and on how it is compiled are kept under.
  public static let toolchain = "\(architecture), \(compiler)"

  /// Processor, cores, memory, system, compiler.
  public static var description: String {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let gigabytes = Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30)
    return
      "\(processor), \(cores) cores, \(gigabytes.text(digits: 0)) GiB; \(system); \(compiler), release build"
  }

  private static var processor: String {
    field("model name", of: "/proc/cpuinfo", separator: ":") ?? architecture
  }

  private static var system: String {
    let name = field("PRETTY_NAME", of: "/etc/os-release", separator: "=") ?? "Linux"
    let kernel = try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8)
    return name.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
      + (kernel.map { ", kernel " + $0.trimmingCharacters(in: .whitespacesAndNewlines) } ?? "")
  }

  private static func field(_ name: String, of path: String, separator: Character) -> String? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: separator, maxSplits: 1)
      if parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == name {
        return parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    return nil
  }

  /// Bytes of this process that are in memory now and belong to it alone: without the pages of programs and libraries,
  /// which come in as code is first run.
  public static var residentBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
    let words = text.split(separator: " ")
    guard words.count > 2, let resident = Int(words[1]), let shared = Int(words[2]) else { return 0 }
    return (resident - shared) * sysconf(Int32(_SC_PAGESIZE))
  }
}
