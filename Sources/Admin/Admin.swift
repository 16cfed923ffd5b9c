// What a running daemon shows of itself on HTTP, and how it is asked.
//
// `AdminServer` listens and answers from an `AdminSource`, which the program provides; `AdminPages` writes what people
// see, `Fact+Text` what programs and terminals see; `AdminClient` asks another process's server.
//
// Read only, one request a connection, and everything bounded: requests, headers, connections and their time. The hot
// path is not met: what is shown was published by the lanes, and a user is looked up by a lane between two batches.
