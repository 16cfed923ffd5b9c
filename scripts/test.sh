#!/usr/bin/env bash
# Runs the tests that are built, and says at the end once more what failed, so that nobody has to look for it
# in the thousands of lines before. Called by make test.
#
# The patient ones (they start processes, talk to brokers and wait with time limits) run one after the other, in two halves
# beside each other, since they mostly wait. In what they leave of the processors, those that only reckon, and then hostile
# input. All run, also when one has failed. A part that has not ended after EBB_TEST_MINUTES (30) is ended, and it is told
# in which test that was; what tests have left running is told of and killed. With arguments (--filter, --skip) only what
# they choose, one after the other and as long as it takes.
set -uo pipefail
exec </dev/null

bundle=.build/debug/ebbPackageTests.xctest
[ -e "$bundle" ] || { echo "test: $bundle is not built; make test builds it" >&2; exit 2; }
minutes=${EBB_TEST_MINUTES:-30}
logs=$(mktemp -d)
status=0
# By which the processes are known that tests have started, whoever their parents are by now.
export EBB_TEST_RUN=$$.$RANDOM

# Kills, and trouble with brokers, networks, disks and clocks.
trouble='^ProcessTests\..*(Killed again|Instances freeze|Brokers go|The way to the brokers|The clock is set|Disks are full|Rights are taken)'
patient='^(KafkaTests|ProcessTests|HouseTests|TelemetryTests|AdminTests|BenchTests)\.'
hostile='^HostileTests\.'

# Into a file and not a pipe: whoever is left behind would keep that open.
tests() { # name of the part, arguments
  local log=$logs/$1 ended began=$SECONDS
  shift
  timeout --kill-after=20 "${minutes}m" "${scheduling[@]}" "$bundle" --testing-library swift-testing "$@" >>"$log" 2>&1
  ended=$?
  if [ "$minutes" != infinity ] && [ $((SECONDS - began)) -ge $((minutes * 60)) ]; then
    echo "error: not done after $minutes minutes; what had begun and not ended:" >>"$log"
    unfinished "$log" >>"$log"
  fi
  return "$ended"
}
scheduling=()

unfinished() { # log
  sed -nE 's/^. Test (.*) started\.$/+\1/p; s/^. Test (.*) (passed|failed|skipped|with [0-9]+ test cases (passed|failed)).*/-\1/p' "$1" |
    awk '{ name = substr($0, 2) } /^\+/ { open[name] = 1 } /^-/ { delete open[name] } END { for (name in open) print "  ↳ " name }'
}

kill_leftovers() {
  local file pid
  for file in $(grep -lsz "^EBB_TEST_RUN=$EBB_TEST_RUN\$" /proc/[0-9]*/environ); do
    pid=${file//[!0-9]/}
    [ -e "/proc/$pid" ] || continue
    echo "test: left running, and killed now: $(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-200)" >&2
    kill -9 "$pid"
  done
}
# Twice: something may have been started meanwhile.
trap 'kill $(jobs -p) 2>/dev/null; kill_leftovers; kill_leftovers; rm -rf "$logs"' EXIT

release() {
  for product in ebbd ebb-bench ebb-fuzz; do swift build -c release --product "$product" || return; done
}

# Shows what a run in the background says until it has ended.
follow() { # process, name of the part
  local shown
  touch "$logs/$2"
  tail -s 0.5 -n +1 -f "$logs/$2" &
  shown=$!
  wait "$1" || status=1
  sleep 1
  kill "$shown"
  wait "$shown" 2>/dev/null
}

release || exit
if [ $# -gt 0 ]; then
  minutes=infinity
  tests chosen --no-parallel "$@" &
  follow $! chosen
else
  (
    # Only when nobody else wants a processor. Not nice: Swift's threads set that anew, as root.
    scheduling=(chrt --idle 0)
    EBB_BROKERS='' tests humble --skip "$patient" --skip "$hostile"
    reckoned=$?
    [ ! -e "$logs/alone" ] || scheduling=()
    tests hostile --filter "$hostile" && exit "$reckoned"
  ) &
  humble=$!
  tests others --no-parallel --filter "$patient" --skip "$trouble" &
  others=$!
  tests trouble --no-parallel --filter "$trouble" &
  follow $! trouble
  echo "test: the other patient tests, which ran meanwhile:"
  follow "$others" others
  echo "test: tests that only reckon, and hostile input, which ran meanwhile:"
  # Nobody else is left that it should make room for.
  touch "$logs/alone"
  for pid in $(grep -lsz "^EBB_TEST_RUN=$EBB_TEST_RUN\$" /proc/[0-9]*/environ | tr -dc '0-9\n'); do
    chrt --all-tasks --other --pid 0 "$pid" 2>/dev/null
  done
  follow "$humble" humble
  cat "$logs/hostile"
fi

if [ "$status" -ne 0 ]; then
  printf '\nWhat failed:\n'
  # A failure is a line with the cross (or, where the output knows no symbols, the words), with its details below.
  cat "$logs"/* | awk '/^(✘|\[FAIL|error:|Fatal|.*Fatal error:|\*\*\* Program crashed)/ { telling = 1; print; next }
       /^ *(↳|\xe2\x86\xb3)/ { if (telling) print; next }
       { telling = 0 }' | tail -n 60
fi
exit "$status"
