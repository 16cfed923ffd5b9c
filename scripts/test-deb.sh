#!/usr/bin/env bash
# Installs the package of make deb in a clean Debian of its own and does there what an operator does: commands by hand,
# the service under a systemd that is booted for it, an upgrade, the removal. Called by make test-deb.
#
# Needs root on a Debian, as debootstrap does, and says so where it skips. The Debian lies in .build/deb-root and shares
# neither network nor processes with the machine once it is booted; the package lists come from where this machine's apt
# has its own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skip() { echo "SKIPPED: the test of the package: $*" >&2; exit 0; }
say() { echo "test-deb: $*" >&2; }
# Nothing here may take longer: a mirror that does not answer, a container that does not boot.
within() { timeout --kill-after=10 "$@"; }
exec </dev/null
fail() { echo "test-deb: FAILED: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || skip "it needs root, for a Debian of its own"
command -v debootstrap >/dev/null || skip "there is no debootstrap on this machine"
suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" "Created-By: Packages" "Component: main" |
  grep -v -- '-security' | head -n 1 || true)
[ -n "$mirror" ] || skip "apt knows no Debian $suite here"
unshare --mount --pid --fork true 2>/dev/null || skip "this machine lets nobody have mounts of his own (a container?)"

packages=(.build/ebb_*.deb)
[ -f "${packages[0]}" ] || fail "there is no package; make deb builds it"
package=${packages[0]}

# ---- quiet, as Debian's own checker has it

if command -v lintian >/dev/null; then
  # Whose address the maintainer's is depends on who builds it.
  said=$(lintian --allow-root --tag-display-limit 0 --suppress-tags bogus-mail-host,bogus-mail-host-in-debian-changelog \
    "$package" 2>&1) || true
  [ -z "$said" ] || fail "lintian: $said"
  say "lintian says nothing"
else
  echo "SKIPPED: lintian: not on this machine" >&2
fi

# ---- a clean Debian, kept for the next time

place=.build/deb-root
base=$place/$suite.tar
mkdir -p "$place"
if [ ! -f "$base" ]; then
  say "making a Debian $suite, once"
  rm -rf --one-file-system "$place/new"
  # systemd and man are what the package is looked at with, and bring nothing that it needs itself.
  within 15m debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,man-db "$suite" "$place/new" "$mirror" \
    >"$place/debootstrap.log" 2>&1 || { tail -n 20 "$place/debootstrap.log" >&2; fail "debootstrap"; }
  tar -C "$place/new" -cf "$base.part" .
  mv "$base.part" "$base"
  rm -rf --one-file-system "$place/new"
fi

root=$PWD/$place/root
rm -rf --one-file-system "$root"
mkdir -p "$root"
tar -C "$root" -xf "$base"
cp --dereference /etc/resolv.conf "$root/etc/resolv.conf"
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
cp "$package" "$root/opt/ebb.deb"
cp scripts/test-deb-inside.sh "$root/opt/"
install -m 755 .build/deb/release/ebb-broker "$root/opt/"

# The same package as a later version, with a line more in its configuration, for an upgrade.
next=$place/next
rm -rf "$next"
dpkg-deb -R "$package" "$next"
sed -i -E 's/^(Version: .*)$/\1+next/' "$next/DEBIAN/control"
echo "# A line that the next version brings." >>"$next/etc/ebb/ebbd.yaml"
dpkg-deb --root-owner-group -Znone --build "$next" "$root/opt/ebb-next.deb" >/dev/null
rm -rf "$next"

# ---- by hand, without systemd

in_root() { # stage, further options of unshare
  local stage=$1
  shift
  within 10m unshare --mount --pid --fork --kill-child "$@" bash -euc \
    'if [ "$3" = --net ]; then ip link set lo up; fi
     mount --make-rprivate /; mount -t proc proc "$1/proc"; exec chroot "$1" /opt/test-deb-inside.sh "$2"' \
    _ "$root" "$stage" "${1-}" || fail "$stage"
}

say "in a clean Debian, by hand"
in_root install
# Whatever answers on this machine is not to be found.
in_root by-hand --net

# ---- under systemd

container=
stop_container() {
  [ -n "$container" ] || return 0
  kill "$container" 2>/dev/null || true
  local round
  for round in $(seq 60); do
    kill -0 "$container" 2>/dev/null || break
    sleep 0.5
  done
  kill -9 "$container" ${leader:+"$leader"} 2>/dev/null || true
  wait "$container" 2>/dev/null || true
  container=
}
trap stop_container EXIT

boots() { # whether a systemd could be booted; sets leader
  command -v systemd-nspawn >/dev/null || return 1
  systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network --boot \
    --machine=ebb-test-deb >"$place/boot.log" 2>&1 </dev/null &
  container=$!
  local round
  for round in $(seq 60); do
    kill -0 "$container" 2>/dev/null || return 1
    # Its only child.
    leader=$(sed -nE "s/^([0-9]+) .*\) [A-Z] $container .*/\1/p" /proc/[0-9]*/stat 2>/dev/null | head -n 1 || true)
    case $([ -z "$leader" ] || patience=5s inside systemctl is-system-running 2>/dev/null) in running | degraded) return 0 ;; esac
    sleep 0.5
  done
  return 1
}
inside() { within "${patience:-10m}" nsenter -t "$leader" -m -u -i -p -n -C chroot / "$@"; }

if boots; then
  say "under systemd"
  inside /opt/test-deb-inside.sh as-service || fail "under systemd"
  say "an alert"
  # Records go in and out by a client that is not ours, from outside: only the network is the container's.
  kafka() { nsenter -t "$leader" -n timeout 60 kcat -b "$(cat "$root/opt/broker")" "$@"; }
  kafka -P -t clickstream <docs/examples/carts.ndjson
  alert=$(kafka -C -t ebb.cart -o beginning -c 1 -f '%h %s\n' -X isolation.level=read_committed 2>/dev/null) || fail "no alert came"
  case $alert in *ebb.cart.abandoned*) say "$(sed -E 's/.*"reason":"([^"]*)".*/\1/' <<<"$alert")" ;; *) fail "$alert" ;; esac
  inside /opt/test-deb-inside.sh upgrade || fail "upgrade"
  inside /opt/test-deb-inside.sh removal || fail "removal"
  stop_container
else
  echo "SKIPPED: the service under systemd: none could be booted in a container here ($place/boot.log)" >&2
  stop_container
  in_root upgrade
  in_root removal
fi
rm -rf --one-file-system "$root"
say "all is well"
