import Glibc
import Pipeline

/// Waits.
func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1_000) }

/// Makes an error of the client the end of the lane.
func endingLane<Result: ~Copyable>(
  _ body: () throws(KafkaError) -> Result
) throws(PipelineError) -> Result {
  do throws(KafkaError) { return try body() } catch { throw PipelineError(error) }
}

extension PipelineError {
  /// The end of a lane by an error of the client.
  public init(_ error: KafkaError) {
    let code: Code
    switch error.code {
    case .offsetReset, .offsetOutOfRange, .noOffset: code = .offsetLost
    case .fencedInstance, .fencedLocally, .producerFenced, .invalidProducerEpoch,
      .transactionCoordinatorFenced, .invalidProducerIDMapping:
      code = .fenced
    case .invalidArgument, .offsetMetadataTooLarge, .invalidTopic: code = .configuration
    case .messageTooLarge, .recordListTooLarge, .invalidRecord, .messageTimedOut: code = .output
    default: code = .input
    }
    self.init(code, error.message, hint: error.hint, cause: error.cause)
  }
}
