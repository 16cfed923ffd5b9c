import LogModel
import Pipeline
import Triggers

/// A record's headers behind a pointer, as a client library keeps them.
final class WireHeaders: Sendable, HeaderReader {
  let headers: [WireHeader]

  init(_ headers: [RecordHeader]) {
    self.headers = headers.map { WireHeader(name: $0.name, value: $0.value ?? []) }
  }

  static func headers(of source: UnsafeRawPointer) -> [WireHeader] {
    unsafe Unmanaged<WireHeaders>.fromOpaque(source).takeUnretainedValue().headers
  }
}
