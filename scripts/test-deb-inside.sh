#!/bin/bash
# The part of test-deb.sh that runs in the clean Debian, a stage at a time; /opt has what it needs.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root

fail() { echo "FAILED: $*" >&2; exit 1; }
expect() { # what should be there, where; a text
  case $2 in *"$1"*) ;; *) fail "expected '$1' in: $2" ;; esac
}
ended() { # the status that a command should end with, the command; its output is in $said
  local wanted=$1 status=0
  shift
  said=$("$@" 2>&1) || status=$?
  [ "$status" = "$wanted" ] || fail "$* ended with $status, not $wanted: $said"
}
milliseconds() { date +%s%3N; }

# Every file that is nobody's, and every directory: what the system writes of itself for any package is left out, and
# what other packages own (those that came with ours).
strangers() {
  find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /dev -o -path /opt -o -path /var/tmp \
    -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/log -o -path /var/lib/systemd -o -path /root \) -prune \
    -o -print | sed 's|^/usr/lib/systemd/|/lib/systemd/|; s|^/usr/lib/x86|/lib/x86|' | sort >/opt/all
  cat /var/lib/dpkg/info/*.list | sed 's|^/usr/lib/x86|/lib/x86|' | sort -u >/opt/owned
  comm -23 /opt/all /opt/owned | grep -Ev '^/etc/(ld\.so\.cache|localtime|timezone|machine-id|\.pwd\.lock|mtab|.*-)$'
}

install_package() {
  strangers >/opt/before

  echo "-- apt-get install"
  apt-get update -qq
  ended 0 apt-get install -y --no-install-recommends /opt/ebb.deb
  expect "installed, not started" "$said"
  local missing
  missing=$(ldd /usr/bin/ebbd | grep 'not found' || true)
  [ -z "$missing" ] || fail "libraries that Depends does not bring: $missing"
  ended 1 sh -c "ldd /usr/bin/ebbd | grep -i swift"
  ended 0 dpkg --verify ebb
  [ -z "$said" ] || fail "$said"

}

by_hand() {
  echo "-- ebbd validate, as installed"
  ended 0 ebbd validate
  expect "ok" "$said"
  printf 'shop: {timezone: Europe/Berlin}\ncart: {quiet_hours: "22:00-08:00"}\n' >/tmp/zone.yaml
  ended 0 ebbd validate -c /tmp/zone.yaml

  echo "-- ebbd topics, without a broker"
  ended 1 ebbd topics --timeout 2
  expect "kafka.brokers" "$said"

  echo "-- ebbd replay of the examples"
  cd /usr/share/doc/ebb
  local alerts
  alerts=$(ebbd replay --config docs/examples/one-window.yaml --until end docs/examples/carts.ndjson \
    docs/examples/drift.ndjson 2>/dev/null)
  for type in cart.abandoned cart.recovered cart.retracted churn.warning churn.recovered; do
    expect "\"type\":\"ebb.$type\"" "$alerts"
  done

  echo "-- man"
  local page command
  page=$(man ebbd | col -b 2>/dev/null || man ebbd)
  for command in run demo replay validate reference topics "state inspect" "state verify"; do
    expect "ebbd $command" "$page"
  done
  expect "kafka.brokers" "$(man ebbd.yaml)"

  echo "-- ebbd demo"
  ended 0 ebbd demo --seconds 20
  expect "cart abandoned" "$said"

  echo "-- ebbd run against nothing, and SIGTERM"
  printf 'kafka: {brokers: ["127.0.0.1:1"]}\n' >/tmp/nothing.yaml
  ebbd run -c /tmp/nothing.yaml 2>/tmp/run.log &
  local pid=$! round began
  for round in $(seq 100); do
    if grep -q "trying again" /tmp/run.log; then break; fi
    sleep 0.1
  done
  began=$(milliseconds)
  kill -TERM "$pid"
  wait "$pid" || fail "ended with $?: $(cat /tmp/run.log)"
  [ $(($(milliseconds) - began)) -lt 5000 ] || fail "SIGTERM took $(($(milliseconds) - began)) ms"
  expect "trying again" "$(cat /tmp/run.log)"
  echo "   ended $(($(milliseconds) - began)) ms after SIGTERM"

  echo "-- systemd-analyze"
  for unit in ebbd.service ebbd@.service ebbd@eu.service; do
    ended 0 systemd-analyze verify "$unit"
    [ -z "$said" ] || fail "verify $unit: $said"
  done
  for unit in ebbd.service ebbd@eu.service; do
    ended 0 systemd-analyze security --offline=true --threshold=15 --no-pager "$unit"
    echo "   $(grep -o 'exposure level.*' <<<"$said")"
  done
}

# ---- under systemd

journal() { journalctl --no-pager -o cat -u "$1"; }
until_says() { # unit, what its journal should say at last
  local round
  for round in $(seq 300); do
    case $(journal "$1") in *"$2"*) return ;; esac
    sleep 0.2
  done
  fail "$1 never said '$2': $(journal "$1" | tail -n 20)"
}

as_service() {
  echo "-- a broker"
  systemd-run --quiet --unit=broker --property=StandardOutput=file:/opt/broker.log /opt/ebb-broker \
    --topic clickstream:1 --topic ebb.cart:1 --topic ebb.churn:1 --topic ebb.dead-letters:1 --topic ebb.state:1 \
    --topic eu.state:1
  local round
  for round in $(seq 100); do
    if grep -q bootstrap= /opt/broker.log 2>/dev/null; then break; fi
    sleep 0.1
  done
  sed -n 's/^bootstrap=//p' /opt/broker.log >/opt/broker
  # At least once, as the transactions of this broker keep no offsets.
  sed -i -e "s/^  brokers: .*/  brokers: [$(cat /opt/broker)]/" -e 's/^lanes: .*/lanes: 1/' \
    -e 's/^  max_age: .*/  max_age: off/' -e 's/^  properties: .*/  properties: {session.timeout.ms: 6000}/' \
    -e 's/^delivery: .*/delivery: at-least-once/' \
    /etc/ebb/ebbd.yaml

  echo "-- a secret that is not there"
  sed -i 's/^  secrets: .*/  secrets: {sasl.password: {credential: ebb-sasl-password}}/' /etc/ebb/ebbd.yaml
  ended 1 systemctl enable --now ebbd
  expect "put the secret into /etc/credstore/ebb-sasl-password" "$(journal ebbd)"
  install -d -m 700 /etc/credstore
  (umask 077 && echo password >/etc/credstore/ebb-sasl-password)
  (umask 077 && echo token >/etc/credstore/ebb-http-token)
  sed -i '/^http:/,/^[a-z]*:$/s/^  token: .*/  token: {credential: ebb-http-token}/' /etc/ebb/ebbd.yaml
  systemctl stop ebbd

  echo "-- systemctl start"
  ended 0 systemctl start ebbd
  until_says ebbd "ready: every lane has joined"
  for round in $(seq 50); do
    case $(systemctl show -P StatusText ebbd) in *events/s*) break ;; esac
    sleep 0.2
  done
  expect "events/s" "$(systemctl show -P StatusText ebbd)"
  [ "$(journal ebbd | grep -ci 'thread priority')" = 0 ] || fail "$(journal ebbd)"
  local pid
  pid=$(systemctl show -P MainPID ebbd)
  [ "$(stat -c %u "/proc/$pid")" != 0 ] || fail "it runs as root"
  [ -d /var/lib/private/ebb ] || fail "it has no state directory"
  ! grep -q "no snapshots are kept" <(journal ebbd) || fail "$(journal ebbd)"

  echo "-- ebbd status, with the credential and without"
  ended 1 ebbd status
  ended 0 env CREDENTIALS_DIRECTORY=/etc/credstore ebbd status

  echo "-- systemctl reload of a file with an error, and of a good one"
  sed -i.good 's/^    enter: .*/    enter: many/; s/^  steps: .*/  steps: many/' /etc/ebb/ebbd.yaml
  ended 1 systemctl reload ebbd
  [ "$(systemctl is-active ebbd)" = active ] || fail "a bad file has ended it"
  expect "error: cart.steps" "$(journal ebbd)"
  mv /etc/ebb/ebbd.yaml.good /etc/ebb/ebbd.yaml
  sed -i 's/^  cap: .*/  cap: 4/' /etc/ebb/ebbd.yaml
  ended 0 systemctl reload ebbd
  until_says ebbd "reloaded /etc/ebb/ebbd.yaml: "
  expect "cart.cap" "$(journal ebbd | grep "reloaded /etc/ebb/ebbd.yaml")"
  [ "$(systemctl is-active ebbd)" = active ] || fail "a reload has ended it"
  [ "$pid" = "$(systemctl show -P MainPID ebbd)" ] || fail "a reload has started it anew"

  echo "-- kill -9"
  kill -9 "$pid"
  for round in $(seq 300); do
    if [ "$(systemctl is-active ebbd)" = active ] && [ "$(systemctl show -P MainPID ebbd)" != "$pid" ]; then break; fi
    sleep 0.2
  done
  [ "$(systemctl is-active ebbd)" = active ] || fail "it has not come back: $(journal ebbd | tail -n 20)"

  echo "-- a second instance"
  sed -e 's/^  group: .*/  group: eu/' -e 's/^  state: .*/  state: eu.state/' -e 's/credential: ebb-/credential: ebb-eu-/' \
    -e 's/^  listen: .*/  listen: 127.0.0.1:9188/' \
    /etc/ebb/ebbd.yaml >/etc/ebb/eu.yaml
  (umask 077 && echo password >/etc/credstore/ebb-eu-sasl-password)
  (umask 077 && echo token >/etc/credstore/ebb-eu-http-token)
  ended 1 systemctl start ebbd@eu
  expect "write /var/lib/ebb-eu, which its unit gives it" "$(journal ebbd@eu)"
  systemctl stop ebbd@eu
  sed -i 's|^  directory: .*|  directory: /var/lib/ebb-eu|' /etc/ebb/eu.yaml
  ended 0 systemctl start ebbd@eu
  until_says ebbd@eu "ready: every lane has joined"
  expect "EBB_INSTANCE=$(hostname)-eu" "$(tr '\0' '\n' <"/proc/$(systemctl show -P MainPID ebbd@eu)/environ")"
  local began
  began=$(milliseconds)
  systemctl stop ebbd@eu
  [ $(($(milliseconds) - began)) -lt 5000 ] || fail "systemctl stop took $(($(milliseconds) - began)) ms"
  echo "   systemctl stop took $(($(milliseconds) - began)) ms"
}

upgrade() {
  echo "-- an upgrade keeps a configuration that was changed"
  echo "# a line of the operator's" >>/etc/ebb/ebbd.yaml
  local before pid=
  before=$(md5sum </etc/ebb/ebbd.yaml)
  if [ -d /run/systemd/system ]; then pid=$(systemctl show -P MainPID ebbd); fi
  ended 0 apt-get install -y --no-install-recommends -o Dpkg::Options::=--force-confold /opt/ebb-next.deb
  [ "$before" = "$(md5sum </etc/ebb/ebbd.yaml)" ] || fail "the configuration was changed"
  expect "+next" "$(dpkg-query -W ebb)"
  case $said in *"installed, not started"*) fail "an upgrade speaks as a first installation: $said" ;; esac
  if [ -n "$pid" ]; then
    local round
    for round in $(seq 300); do
      if [ "$(systemctl is-active ebbd)" = active ] && [ "$(systemctl show -P MainPID ebbd)" != "$pid" ]; then break; fi
      sleep 0.2
    done
    [ "$(systemctl show -P MainPID ebbd)" != "$pid" ] || fail "what ran was not started anew"
    [ "$(systemctl is-active ebbd)" = active ] || fail "what ran does not run: $(journal ebbd | tail -n 20)"
    [ "$(systemctl is-active ebbd@eu)" != active ] || fail "what did not run was started"
    for round in $(seq 100); do
      if journal ebbd | grep -Eq 'recovered partition 0 of .*: [1-9][0-9]* users'; then break; fi
      sleep 0.2
    done
    journal ebbd | grep -Eq 'recovered partition 0 of .*: [1-9][0-9]* users' ||
      fail "the users are not back: $(journal ebbd | tail -n 20)"
  fi
}

removal() {
  echo "-- remove leaves the configuration, purge leaves nothing"
  ended 0 apt-get remove -y ebb
  [ -f /etc/ebb/ebbd.yaml ] || fail "remove took the configuration"
  [ ! -e /usr/bin/ebbd ] || fail "remove left the program"
  if [ -d /run/systemd/system ]; then
    [ "$(systemctl is-active ebbd || true)" != active ] || fail "it still runs"
  fi
  ended 0 apt-get purge -y ebb
  rm -rf /etc/credstore
  strangers >/opt/after
  local left
  left=$(diff /opt/before /opt/after | grep '^[<>]' || true)
  [ -z "$left" ] || fail "purge has left, or taken: $left"
}

case ${1-} in
  install) install_package ;;
  by-hand) by_hand ;;
  as-service) as_service ;;
  upgrade) upgrade ;;
  removal) removal ;;
  *) fail "usage: test-deb-inside.sh install|by-hand|as-service|upgrade|removal" ;;
esac
