#!/usr/bin/env bash
# Builds ebb-fuzz with libFuzzer and the address sanitizer, all that it is made of told to report what it reaches, and
# runs it; called by make fuzz-guided with what the program takes. A build of its own: .build/guided.
set -euo pipefail

compiler=$(readlink -f "$(command -v swiftc)")
resources=$(dirname "$compiler")/../lib/swift/clang/lib/linux
library=$(readlink -f "$resources/libclang_rt.fuzzer_no_main-$(uname -m).a" || true)
[ -f "$library" ] || { echo "guided: this toolchain has no libFuzzer; make fuzz does without" >&2; exit 2; }

swift build -c release --product ebb-fuzz --scratch-path .build/guided --sanitize=address \
  -Xswiftc -Xfrontend -Xswiftc -sanitize=address,fuzzer \
  -Xcc -fsanitize=fuzzer-no-link -Xcxx -fsanitize=fuzzer-no-link \
  -Xlinker -u -Xlinker LLVMFuzzerRunDriver -Xlinker "$library" -Xlinker -lstdc++
# What lives as long as the program is no leak.
export ASAN_OPTIONS=detect_leaks=0
exec .build/guided/release/ebb-fuzz "$@"
