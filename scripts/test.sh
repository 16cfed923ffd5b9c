#!/usr/bin/env bash
# Runs the tests that are built, and says at the end once more what failed, so that nobody has to look for it
# in the thousands of lines before. Called by make test; what is given goes to `swift test`.
#
# Two runs: the patient tests (they start processes, talk to brokers and wait with time limits) one after the
# other, then the rest, which keep every core busy. The second runs too when the first has failed.
set -uo pipefail

patient='^(KafkaTests|ProcessTests|HouseTests|TelemetryTests|BenchTests)\.'
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

run() {
  swift test --skip-build --disable-xctest "$@" 2>&1 | tee -a "$log" || status=1
}

run --no-parallel --filter "$patient" "$@"
EBB_BROKERS='' run --skip "$patient" "$@"

if [ "$status" -ne 0 ]; then
  printf '\nWhat failed:\n'
  # A failure is a line with the cross (or, where the output knows no symbols, the words), with its details below.
  awk '/^(✘|\[FAIL|error:|Fatal|.*Fatal error:|\*\*\* Program crashed)/ { telling = 1; print; next }
       /^ *(↳|\xe2\x86\xb3)/ { if (telling) print; next }
       { telling = 0 }' "$log" | tail -n 60
fi
exit "$status"
