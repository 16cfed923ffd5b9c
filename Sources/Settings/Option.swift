import Yams

/// One option of the configuration file: everything that is to be known about it, in one place. Parsing, the
/// defaults file, the reference and the configuration's version are made from it.
struct Option: Sendable {
  /// What a change of the option needs to take effect.
  enum Application: String, Sendable, Hashable, CaseIterable {
    case reload
    case restart
  }

  /// Groups joined by dots, such as `cart.steps`.
  let path: String
  /// Kind and unit, such as `span of time`.
  let type: String
  /// Allowed values, such as `1s to 24h`; empty if the type says it.
  let bounds: String
  let application: Application
  /// Whether results for a user depend on it, so that it enters the configuration's version.
  let decidesResults: Bool
  /// What it does, and why the default is what it is.
  let reason: String
  /// The value in `configuration`, as YAML on one line.
  let show: @Sendable (_ configuration: Configuration) -> String
  let read: @Sendable (_ node: Node, _ reading: inout Reading, _ into: inout Configuration) -> Void

  /// Takes over the value of this option alone.
  let copy: @Sendable (_ from: Configuration, _ into: inout Configuration) -> Void

  init<Value: Sendable>(
    _ path: String, _ field: WritableKeyPath<Configuration, Value> & Sendable, _ kind: Kind<Value>,
    _ application: Application, decidesResults: Bool, _ reason: String
  ) {
    self.path = path
    self.type = kind.name
    self.bounds = kind.bounds
    self.application = application
    self.decidesResults = decidesResults
    self.reason = reason
    self.show = { kind.show($0[keyPath: field]) }
    self.copy = { $1[keyPath: field] = $0[keyPath: field] }
    self.read = { node, reading, configuration in
      if let value = kind.parse(node, path, &reading) { configuration[keyPath: field] = value }
    }
  }

  /// As YAML on one line.
  var defaultText: String { show(.defaults) }
}

/// A sort of value: how it is named, read and written.
struct Kind<Value: Sendable>: Sendable {
  var name: String
  var bounds: String
  /// nil after telling the reading why.
  var parse: @Sendable (_ node: Node, _ path: String, _ reading: inout Reading) -> Value?
  /// YAML on one line, which `parse` reads back.
  var show: @Sendable (Value) -> String
}
