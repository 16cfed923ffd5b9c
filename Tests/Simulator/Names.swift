import LogModel
import Pipeline

/// Topics and group of every world.
enum Names {
  static let group = "ebb"
  static let input = "clicks"
  static let state = "ebb-state"
  static let source = "/simulation"

  static func topic(_ topic: OutputTopic) -> String {
    switch topic {
    case .cartAlerts: "cart-alerts"
    case .churnAlerts: "churn-alerts"
    case .deadLetters: "dead-letters"
    case .state: state
    }
  }

  static func input(_ partition: Int32) -> TopicPartition { TopicPartition(input, Int(partition)) }
  static func state(_ partition: Int32) -> TopicPartition { TopicPartition(state, Int(partition)) }
}

extension PipelineError {
  /// A process that was killed unwinds by this; nothing of it runs afterwards.
  static let killed = PipelineError(Code("killed"), "killed by the simulator", hint: "")
}
