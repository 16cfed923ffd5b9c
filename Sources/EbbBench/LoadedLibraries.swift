import CCounting
import Foundation

/// The libraries of this process in whose code events spend instructions, as far as their files tell them apart.
enum LoadedLibraries {
  private static let names = ["libc.so", "libsimdjson.so", "libswiftCore.so", "libstdc++.so"]

  static var text: String {
    paths.compactMap { path in
      let name = path.split(separator: "/").last.map(String.init) ?? ""
      guard names.contains(where: name.hasPrefix) else { return nil }
      let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size]) as? NSNumber
      return "\(name) (\(size?.intValue ?? 0) bytes)"
    }.sorted().joined(separator: ", ")
  }

  /// As the loader knows them: `/proc/self/maps` changes while it is read.
  private static var paths: [String] {
    var paths: [String] = []
    unsafe withUnsafeMutablePointer(to: &paths) { paths in
      unsafe ebb_loaded_libraries(
        { name, paths in
          guard let name = unsafe name, let paths = unsafe paths else { return }
          unsafe paths.assumingMemoryBound(to: [String].self).pointee.append(
            URL(filePath: String(cString: name)).resolvingSymlinksInPath().path)
        }, paths)
    }
    return paths
  }
}
