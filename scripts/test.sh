#!/usr/bin/env bash
# Runs the tests that are built, and says at the end once more what failed, so that nobody has to look for it
# in the thousands of lines before. Called by make test.
#
# The patient ones (they start processes, talk to brokers and wait with time limits) run one after the other, in two halves
# beside each other, since they mostly wait. In what they leave of the processors, those that only reckon, and then hostile
# input. All run, also when one has failed. With arguments (--filter, --skip) only what they choose, one after the other.
set -uo pipefail

bundle=.build/debug/ebbPackageTests.xctest
[ -e "$bundle" ] || { echo "test: $bundle is not built; make test builds it" >&2; exit 2; }
tests() { "$bundle" --testing-library swift-testing "$@" 2>&1; }
# Only when nobody else wants a processor. Not nice: Swift's threads set that anew, as root.
humbly() { chrt --idle 0 "$bundle" --testing-library swift-testing "$@" 2>&1; }

# Kills, and trouble with brokers, networks, disks and clocks.
trouble='^ProcessTests\..*(Killed again|Instances freeze|Brokers go|The way to the brokers|The clock is set|Disks are full|Rights are taken)'
patient='^(KafkaTests|ProcessTests|HouseTests|TelemetryTests|AdminTests|BenchTests)\.'
hostile='^HostileTests\.'
logs=$(mktemp -d)
log=$logs/all
trap 'rm -rf "$logs"' EXIT
status=0

release() {
  for product in ebbd ebb-bench ebb-fuzz; do swift build -c release --product "$product" || return; done
}

# Waits for a run in the background and shows what it said.
finish() {
  wait "$1" || status=1
  echo "test: $3, which ran meanwhile:"
  tee -a "$log" <"$2"
}

release || exit
if [ $# -gt 0 ]; then
  tests --no-parallel "$@" | tee -a "$log" || status=1
else
  (
    EBB_BROKERS='' humbly --skip "$patient" --skip "$hostile"
    reckoned=$?
    humbly --filter "$hostile" && exit "$reckoned"
  ) >"$logs/humble" &
  humble=$!
  tests --no-parallel --filter "$patient" --skip "$trouble" >"$logs/patient" &
  others=$!
  tests --no-parallel --filter "$trouble" | tee -a "$log" || status=1
  finish "$others" "$logs/patient" "the other patient tests"
  finish "$humble" "$logs/humble" "tests that only reckon, and hostile input"
fi

if [ "$status" -ne 0 ]; then
  printf '\nWhat failed:\n'
  # A failure is a line with the cross (or, where the output knows no symbols, the words), with its details below.
  awk '/^(✘|\[FAIL|error:|Fatal|.*Fatal error:|\*\*\* Program crashed)/ { telling = 1; print; next }
       /^ *(↳|\xe2\x86\xb3)/ { if (telling) print; next }
       { telling = 0 }' "$log" | tail -n 60
fi
exit "$status"
