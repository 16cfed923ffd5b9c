// Snapshots of partitions' state as files of this machine, so that a restart reads only what has come since.
//
// Bytes come in from the lanes through `SnapshotStore`, which hands them to one background queue; there
// `SnapshotFileWriter` writes them beside the file that is there, and puts them in its place when they are safe.
// They leave through `SnapshotFileReader`, which believes nothing: `SnapshotFormat` is what it holds them against,
// `SnapshotPlace` where they lie and whose they must be.
//
// Not obvious:
// - A snapshot is never needed. Every doubt is a `SnapshotError`, and the state topic is read instead.
// - Files are read, not mapped: a mapped file whose disk fails takes the process down.
// - The age of a snapshot counts from the beginning of its writing: what was deleted since is told by tombstones
//   behind its state offset, and those are kept for a while only.
