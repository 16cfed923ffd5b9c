// The lane: one thread's way from an input log to an output log. `Ports` are the two protocols, `Lane` the loop,
// `LaneCore` what happens to a record, `Outbox` and `CutSchedule` what is written together and when, `LaneSnapshot`
// how a lane looks from outside. Kafka stands behind the ports in the daemon, memory in the tests.
//
// Not obvious:
// - A section's `nextOffset` lies behind every record whose alerts are in it or in an earlier cut: offsets never
//   overtake alerts.
// - When `revoked` returns, nothing of those partitions may be sent any more; `lost` partitions are dropped unsent.
// - A partition ticks only while it is at its end, quiet, and the log is healthy: silence must prove something.
