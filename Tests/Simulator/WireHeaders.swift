import LogModel
import Triggers

/// A record's headers behind a pointer, as a client library keeps them.
final class WireHeaders: Sendable {
  let headers: [WireHeader]

  init(_ headers: [RecordHeader]) {
    self.headers = headers.map { WireHeader(name: $0.name, value: $0.value ?? []) }
  }
}
