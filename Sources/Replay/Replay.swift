// Files in a broker's place. `ReplayRun` takes rows (`LineReader`, one decoder a file) straight to shards of its own and
// sums up (`ReplaySummary`); `FileRows` hands a file's rows over as they stand, for sending them through a broker;
// `AlertLine` reads an alert back from its JSON for people.
//
// Not obvious: a row's record clock is the row's own time, and `drain` judges each deadline by its own: a history is never
// stale to itself, so callers turn `alerts.max_age` off.
