import Events
import Pipeline
import Shard
import Triggers

// In a file of its own, since `Epoch` is also what `Settings` calls a text that it has read.
extension EpochPlan {
  /// - Parameter hash: of `text`, which says everything else.
  init(hash: UInt64, text: String, rules: Rules, mapping: Mapping, limits: DecoderLimits) {
    self.init(epoch: Epoch(hash: hash, text: text, rules: rules), mapping: mapping, limits: limits)
  }
}
