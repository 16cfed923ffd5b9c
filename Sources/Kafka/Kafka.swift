// Kafka: a thin, safe wrapper over librdkafka, and the ports of a lane on top of it. The only importer of CRdKafka.
//
// Files: `ClientProperties` (what is configured), `ClientHandle` (one librdkafka client, destroyed once and in
// bounded time), `KafkaError`; `Consumer` with `RecordView`, `AssignmentTable` and `OffsetCommitter`; `Producer` with
// `ProducerTransactions` and `GroupMetadata`; `Admin`, `Preflight`, `TopicPolicy`, `PartitionWatch`;
// `EmbeddedBroker`; and the ports: `KafkaInput` to read, `KafkaOutput` to write at least once, `KafkaTransactions`
// under a `ThreadedOutput` to write in transactions, `KafkaRecoverySource` under a `ThreadedRecoverer` to come back.
//
// The life of a record: broker → librdkafka's threads → the consumer queue → `Consumer.poll` takes a batch of
// messages → each is checked against the assignment and handed on as a `RecordView` → destroyed. On the way out:
// `Producer.produce` copies it → librdkafka's threads → broker → delivery report → the producer's own thread
// counts it → the offsets of the cut follow when all are acknowledged, by the consumer or in the transaction.
//
// Invariants that have caused bugs:
// - Every topic-partition list, queue, topic handle and group metadata must be destroyed before its client, or
//   destroying the client hangs for ever. Each is owned by a `~Copyable` type, and owners hold their client.
// - The batch call serves callbacks in mid-batch. The rebalance callback therefore only notes what happened and
//   makes the call return; messages of the same batch are dropped, since they will be read again or belong
//   to somebody else. The assignment changes only through `assign` and `unassign`, on the polling thread.
// - Who the member is for its group's coordinator is taken in the rebalance callback, with the assignment, and nowhere
//   else: the library clears it on its own thread before anybody hears of a loss, and the brokers do not check a
//   generation of −1.
// - The library's flags on transactional errors lie in two places, and a commit or abort whose answer was lost may
//   never be answered: see `KafkaError` and `KafkaTransactions`.
// - Messages pin their whole fetch buffer: they are destroyed as soon as the visitor has seen them.
// - Callbacks come on librdkafka's threads (logs) or on the polling thread (all others); none may be a closure
//   written at the top level of a `main.swift`.
