#!/usr/bin/env bash
# What no compiler sees in winograd's unsafe code, looked for while its tests run:
#
#   scripts/sanitize.sh address   AddressSanitizer over all tests, with the feature `burn`: memory that is read or
#                                 written out of bounds, or after it was given back. Any toolchain will do.
#   scripts/sanitize.sh miri      Miri over the portable kernel (tests/portable.rs) and over what is not tied to a
#                                 processor: also aliasing, memory that was never written, data races. Needs a
#                                 nightly toolchain with the components `miri` and `rust-src`.
#   scripts/sanitize.sh           Both.
#
# The first run of `address` compiles Burn anew; `miri` interprets eight small tests. Half an hour each on two cores.
# What is found ends the script with a code that is not 0. It is 2 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# Other flags than those of any other build: in folders of their own.
folder=${CARGO_TARGET_DIR:-target}/sanitize
# Miri's toolchain.
nightly=${NIGHTLY:-nightly}

missing() {
  echo "$*" >&2
  exit 2
}

address() {
  local host runtime
  command -v cargo > /dev/null || missing "the address sanitizer needs cargo"
  host=$(rustc --version --verbose | sed -n 's/^host: //p')
  runtime=$(find "$(rustc --print target-libdir)" -name 'librustc*asan*' | head -n 1)
  [ -n "$runtime" ] || missing "rustc has no address sanitizer for $host: take Linux or macOS on x86-64 or aarch64"
  # The flag is for nightly compilers, which RUSTC_BOOTSTRAP makes of any. With --target, so that what runs
  # while compiling is built without it. Memory that is never given back, as that of rayon's threads, is no fault.
  RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$folder/address \
    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1 \
    cargo test --locked -p winograd --features burn --lib --tests --target "$host"
}

miri() {
  cargo "+$nightly" miri --version > /dev/null 2>&1 ||
    missing "Miri is missing: rustup toolchain install $nightly --component miri --component rust-src"
  # Miri runs no vector instructions, so that the portable kernel is the one that it detects. Rayon's threads
  # outlive the program, its queues take numbers for pointers, and stacked borrows are stricter than they keep.
  export MIRIFLAGS="-Zmiri-ignore-leaks -Zmiri-permissive-provenance -Zmiri-tree-borrows"
  CARGO_TARGET_DIR=$folder/miri cargo "+$nightly" miri test --locked -p winograd --test portable
  CARGO_TARGET_DIR=$folder/miri cargo "+$nightly" miri test --locked -p winograd --lib -- \
    grid:: half:: spare:: pool::tests::a_thread tasks::tests::parts
}

case ${1:-both} in
address) address ;;
miri) miri ;;
both) address && miri ;;
*) missing "usage: scripts/sanitize.sh [address|miri]" ;;
esac
echo "nothing was found"
