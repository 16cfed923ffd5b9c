// What the process owes its surroundings.
//
// Signals: `Signals.watch` hands SIGTERM, SIGINT and SIGHUP to a closure on a thread of its own. A second SIGTERM
// or SIGINT ends the process at once, whatever else hangs: that decision is made in the signal handler itself.
//
// systemd: `ServiceManager` tells it what `Type=notify` asks for; `Watchdog` decides whether the process may say that
// it is alive.
