#!/usr/bin/env bash
# Builds the Debian package .build/ebb_VERSION_ARCHITECTURE.deb: the program with Swift's runtime in it, so that an
# ordinary machine needs nothing that Debian does not have. Called by make deb; prints the package's path at its end.
#
# The version is what `ebbd --version` says. As long as the changelog begins with what is unreleased it is a version
# before that one, later for each later commit: 0.1.0~20261123.090000.454dc23. The same commit and toolchain give the
# same package.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "deb: $*" >&2; }

built=.build/deb/release
swift build -c release --product ebbd --static-swift-stdlib --disable-local-rpath \
  --scratch-path .build/deb >&2
ebbd=$built/ebbd

version=$("$ebbd" --version)
changes=$(sed -nE 's/^## +//p' CHANGELOG.md | head -n 1)
if commit=$(git log -1 --format=%h 2>/dev/null) && [ -n "$commit" ]; then
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
else
  commit=local
  SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}
fi
export SOURCE_DATE_EPOCH
if [ "$changes" = Unreleased ]; then
  version="$version~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M%S).$commit"
elif [ "${changes%% *}" != "$version" ]; then
  say "CHANGELOG.md begins with '$changes', and ebbd --version says $version: one of them is wrong"
  exit 1
fi
architecture=$(dpkg --print-architecture)
maintainer=${DEBFULLNAME:-$(git log -1 --format=%an 2>/dev/null || true)}
maintainer="${maintainer:-The Ebb authors} <${DEBEMAIL:-$(git log -1 --format=%ae 2>/dev/null || true)}>"

# ---- what is installed

stage=.build/deb/stage
rm -rf "$stage"
umask 022
put() { # mode, directory in the package, files
  local mode=$1 directory=$stage$2
  shift 2
  mkdir -p "$directory"
  install -m "$mode" "$@" "$directory/"
}

doc=/usr/share/doc/ebb
put 755 /usr/bin "$ebbd"
strip --strip-unneeded "$stage/usr/bin/ebbd"
put 755 /usr/lib/ebb systemd/ebb-backoff
put 644 /lib/systemd/system systemd/*.service
put 644 /etc/ebb Config/ebbd.yaml
for directory in mappings schemas grafana prometheus; do
  [ ! -d "Config/$directory" ] || put 644 "/usr/share/ebb/$directory" Config/"$directory"/*
done
put 644 "$doc" README.md packaging/copyright
put 644 "$doc/docs" docs/*.md
put 644 "$doc/docs/examples" docs/examples/*
put 644 "$doc" CHANGELOG.md
# Debian's own form of it: what this version brings.
{
  printf 'ebb (%s) unstable; urgency=medium\n\n' "$version"
  awk '/^## / { if (seen++) exit; next } seen && /^- / { print "  * " substr($0, 3); next } seen && NF { print "  " $0 }' \
    CHANGELOG.md | fold -s -w 76 | sed -E 's/ +$//; s/^([^ ])/    \1/'
  printf '\n -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} | gzip -9n >"$stage$doc/changelog.gz"

# The licences of what is linked into the program.
for licence in .build/deb/checkouts/*/{LICENSE,NOTICE}{,.txt,.md} \
  "$(dirname "$(readlink -f "$(command -v swift)")")/../share/swift/LICENSE.txt"; do
  [ -f "$licence" ] || continue
  case $licence in
    .build/*) name=$(basename "$(dirname "$licence")") ;;
    *) name="the Swift runtime" ;;
  esac
  printf '==== %s: %s\n\n' "$name" "$(basename "$licence")"
  cat "$licence"
  echo
done | gzip -9n >"$stage$doc/third-party-licenses.gz"

mkdir -p "$stage/usr/share/man/man1" "$stage/usr/share/man/man5" .build/deb/man
scripts/man.py "$ebbd" .build/deb/man
gzip -9n <.build/deb/man/ebbd.1 >"$stage/usr/share/man/man1/ebbd.1.gz"
gzip -9n <.build/deb/man/ebbd.yaml.5 >"$stage/usr/share/man/man5/ebbd.yaml.5.gz"
put 644 /usr/share/lintian/overrides packaging/lintian-overrides
mv "$stage/usr/share/lintian/overrides/lintian-overrides" "$stage/usr/share/lintian/overrides/ebb"

# ---- what dpkg is told

# dpkg-shlibdeps looks for a source package around it.
mkdir -p .build/deb/shlibs/debian
printf 'Source: ebb\n\nPackage: ebb\nArchitecture: any\n' >.build/deb/shlibs/debian/control
depends=$(cd .build/deb/shlibs && dpkg-shlibdeps -O "$OLDPWD/$stage/usr/bin/ebbd")
depends=${depends#shlibs:Depends=}

control=$stage/DEBIAN
mkdir -p "$control"
find "$stage" -mindepth 1 -not -path "$control*" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
size=$(find "$stage" -mindepth 1 -not -path "$control*" \( -type f -printf '%s\n' -o -printf '1024\n' \) |
  awk '{ total += int(($1 + 1023) / 1024) } END { print total }')
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@MAINTAINER@|$maintainer|" \
  -e "s|@INSTALLED_SIZE@|$size|" -e "s|@DEPENDS@|$depends|" packaging/control >"$control/control"
install -m 644 packaging/conffiles "$control/"
install -m 755 packaging/postinst packaging/prerm packaging/postrm "$control/"
(cd "$stage" && find etc lib usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$control/md5sums"
chmod 644 "$control/md5sums" "$control/control"

package=.build/ebb_${version}_$architecture.deb
rm -f .build/ebb_*.deb
dpkg-deb --root-owner-group -Zxz --build "$stage" "$package" >&2
echo "$package"
