#!/usr/bin/env bash
# Makes sure that what a build (or, with `test` or `bench`, a run of the tests or benchmarks, with `deb` the package, with
# `test-deb` a test of it) needs is there. Called by make.
#
# As root on Debian or Ubuntu it installs what is missing, after saying what and why. Otherwise it prints the
# one command that does, and stops. It looks for what is needed, not for packages: a librdkafka of your own
# serves as well as Debian's.
set -euo pipefail

purpose=${1:-build}
case $purpose in
  build | test | bench | deb | test-deb) ;;
  *)
    echo "setup: usage: scripts/setup.sh build|test|bench|deb|test-deb" >&2
    exit 2
    ;;
esac

swift_needed=6.2

# ---- Swift: not a Debian package, so never installed from here

swift_advice() {
  cat >&2 <<ADVICE
setup: $1
  Ebb needs a Swift toolchain, $swift_needed or newer. To install one for this account (https://swift.org/install/linux):
    apt-get install -y curl gpg binutils libc6-dev libstdc++-12-dev libcurl4-openssl-dev libxml2-dev zlib1g-dev
    curl -fO https://download.swift.org/swiftly/linux/swiftly-\$(uname -m).tar.gz
    tar xzf swiftly-\$(uname -m).tar.gz && ./swiftly init
  Then open a new shell and run make again.
ADVICE
  exit 1
}

check_swift() { # the version that it tells, or advice and the end
  local found
  found=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1) || true
  [ -n "$found" ] || swift_advice "swift is on the path ($(command -v swift)) but does not start."
  if [ "$(printf '%s\n' "$swift_needed" "$found" | sort -V | head -n 1)" != "$swift_needed" ]; then
    swift_advice "this Swift is $found ($(command -v swift))."
  fi
}

command -v swift >/dev/null || swift_advice "there is no swift on the path."

# ---- what is missing

packages=()
reasons=()
need() { # package, why
  case " ${packages[*]-} " in *" $1 "*) return ;; esac
  packages+=("$1")
  reasons+=("$2")
}

has_header() {
  local dir
  for dir in /usr/include /usr/local/include ${CPLUS_INCLUDE_PATH:+${CPLUS_INCLUDE_PATH//:/ }}; do
    [ -e "$dir/$1" ] && return 0
  done
  return 1
}

# An unpacked toolchain does not bring the libraries that it stands on.
if command -v ldd >/dev/null; then
  toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
  absent=$({ ldd "$toolchain/swift" "$toolchain/swift-build" "$toolchain/swift-test" || true; } 2>/dev/null |
    sed -nE 's/^[[:space:]]*([^ ]+) => not found.*/\1/p' | sort -u)
  for library in $absent; do
    case $library in
      libncurses.so.6) need libncurses6 "the Swift toolchain needs it" ;;
      libsqlite3.so.0) need libsqlite3-0 "the Swift toolchain needs it" ;;
      libcurl.so.4) need libcurl4 "the Swift toolchain needs it" ;;
      libxml2.so.2) need libxml2 "the Swift toolchain needs it" ;;
      libz.so.1) need zlib1g "the Swift toolchain needs it" ;;
    esac
  done
fi
has_header stdlib.h || need libc6-dev "C headers, for the Swift compiler"
command -v ld.gold >/dev/null || command -v ld >/dev/null || need binutils "the linker that Swift uses"
[ ${#packages[@]} -gt 0 ] || check_swift

command -v git >/dev/null || need git "fetches the Swift packages that Ebb is built with"
[ -e /etc/ssl/certs/ca-certificates.crt ] || need ca-certificates "lets git trust where it fetches from"
command -v pkg-config >/dev/null || need pkg-config "tells the compiler where librdkafka is"
{ command -v pkg-config >/dev/null && pkg-config --exists rdkafka; } || has_header librdkafka/rdkafka_mock.h ||
  need librdkafka-dev "the Kafka client library, and the broker of the demo"
has_header simdjson.h || need libsimdjson-dev "parses the events' JSON"
has_header jemalloc/jemalloc.h || need libjemalloc-dev "the allocator of the daemon"
compgen -G '/usr/include/c++/*' >/dev/null || need libstdc++-12-dev "C++ headers, for the JSON parser"
[ -e /usr/share/zoneinfo/Europe/Berlin ] || need tzdata "time zones, for quiet hours"

if [ "$purpose" = test ]; then
  command -v kcat >/dev/null || need kcat "a Kafka client that is not ours, for the tests"
  /usr/bin/python3 -c 'import kafka' 2>/dev/null || need python3-kafka "a second such client"
  command -v systemd-analyze >/dev/null || need systemd "judges the units"
  command -v openssl >/dev/null || need openssl "makes certificates, for the tests of TLS"
  command -v ip >/dev/null || need iproute2 "lays a network cable to a daemon under test, to be pulled"
fi
case $purpose in test | bench)
  command -v valgrind >/dev/null ||
    need valgrind "counts instructions per event (callgrind), which seconds on a busy machine cannot tell"
  ;;
esac
case $purpose in deb | test-deb)
  command -v dpkg-shlibdeps >/dev/null || need dpkg-dev "finds which packages the program depends on"
  command -v python3 >/dev/null || need python3 "writes the manual pages"
  command -v strip >/dev/null || need binutils "strips the program of what only debuggers read"
  ;;
esac
# The test of the package says so itself where these cannot be had.
if [ "$purpose" = test-deb ] && [ "$(id -u)" = 0 ]; then
  command -v debootstrap >/dev/null || need debootstrap "makes the clean Debian that the package is installed in"
  command -v systemd-nspawn >/dev/null || need systemd-container "boots it"
  command -v kcat >/dev/null || need kcat "a Kafka client that is not ours"
  command -v ip >/dev/null || need iproute2 "gives it a network of its own"
  command -v lintian >/dev/null || need lintian "Debian's own checker of packages"
fi

# Prometheus is unpacked for the tests rather than installed: nobody wants a server of it for that.
unpack_prometheus() {
  local tools=.build/tools
  if [ -x "$tools/usr/bin/promtool" ] || { command -v promtool && command -v prometheus; } >/dev/null; then return; fi
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 0
  echo "setup: unpacking prometheus into $tools, which checks metrics, alert rules and the board" >&2
  mkdir -p "$tools"
  (
    cd "$tools"
    apt-get download -qq prometheus >/dev/null 2>&1 ||
      { [ "$(id -u)" = 0 ] && apt-get update -qq >&2 && apt-get download -qq prometheus >/dev/null 2>&1; } ||
      { echo "setup: it cannot be had; those tests will say that they are skipped" >&2 && exit 0; }
    dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb
  )
}
if [ "$purpose" = test ]; then unpack_prometheus; fi

[ ${#packages[@]} -gt 0 ] || exit 0

echo "setup: missing on this machine:" >&2
for index in "${!packages[@]}"; do
  printf '  %-18s %s\n' "${packages[$index]}" "${reasons[$index]}" >&2
done

if ! command -v apt-get >/dev/null; then
  echo "setup: this machine has no apt-get. Install the above by its own package manager, and run make again." >&2
  exit 1
fi
if [ "$(id -u)" != 0 ]; then
  echo "setup: not root, so nothing was installed. Run this, then make again:" >&2
  echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
  exit 1
fi

echo "setup: installing them by apt-get." >&2
export DEBIAN_FRONTEND=noninteractive
install=(apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=180
  "${packages[@]}")
# A machine without package lists (a fresh image) or with old ones cannot install before it has looked.
if ! "${install[@]}" </dev/null >/dev/null 2>&1; then
  apt-get update -qq </dev/null >&2
  if ! "${install[@]}" </dev/null >&2; then
    echo "setup: apt-get could not install ${packages[*]}; its own message stands above." >&2
    exit 1
  fi
fi
echo "setup: installed ${packages[*]}." >&2
check_swift
