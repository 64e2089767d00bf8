#!/usr/bin/env bash
# What is compiled for other processors: winograd's tests with NEON's kernels on an emulated 64-bit Arm, and the page's
# module for the CPU checked for WebAssembly.
#
#     scripts/other_processors.sh
#
# Takes the compiler of the path if it has the standard libraries of both targets (`rustup target add
# aarch64-unknown-linux-gnu wasm32-unknown-unknown`), else Debian's `rustc-web`, which is unpacked into a cache folder and
# not installed. qemu and Arm's linker are installed where there is root and apt-get. What cannot be had is skipped,
# with a sentence.
set -euo pipefail
cd "$(dirname "$0")/.."

arm=aarch64-unknown-linux-gnu
wasm=wasm32-unknown-unknown
cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgg-other-processors

skip() {
  echo "skipped: $*"
  exit 0
}

has() { compgen -G "$("$1" --print target-libdir --target "$2")/libstd-*.rlib" > /dev/null; }

# Unpacks Debian's compiler with the standard library for this machine, for Arm, and built from source for WebAssembly.
debian_compiler() {
  command -v apt-get > /dev/null && command -v dpkg > /dev/null || return 1
  local new=$cache.new
  rm -rf "$new" && mkdir -p "$new/debs" "$new/lists/partial" "$new/archives/partial"
  # Lists of both architectures, beside the system's.
  local apt=(apt-get -q -o APT::Architectures::=amd64 -o APT::Architectures::=arm64
    -o Dir::State::lists="$new/lists" -o Dir::Cache="$new" -o APT::Sandbox::User=root)
  "${apt[@]}" update
  (cd "$new/debs" && "${apt[@]}" download rustc-web rust-web-src libstd-rust-web-1.96 libstd-rust-web-dev libllvm22 \
    libstd-rust-web-dev:arm64) || return 1
  for deb in "$new"/debs/*.deb; do dpkg -x "$deb" "$new/root"; done
  rm -rf "$new/debs" "$new/lists" "$new/archives" "$new"/*.bin
  rm -rf "$cache" && mv "$new" "$cache"
}

# WebAssembly's standard library is not packaged: that of an empty program is kept.
wasm_library() {
  local libraries=$cache/root/usr/lib/rustlib/$wasm/lib
  local work
  work=$(mktemp -d)
  mkdir "$work/src"
  printf '[package]\nname = "empty"\nedition = "2024"\n[workspace]\n' > "$work/Cargo.toml"
  echo 'fn main() {}' > "$work/src/main.rs"
  (cd "$work" && RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$work/target \
    cargo build --quiet --release --target $wasm -Z build-std=std,panic_abort) || return 1
  mkdir -p "$libraries"
  cp "$work/target/$wasm/release/deps"/lib*.rlib "$libraries"
  rm -rf "$work"
}

if ! { has rustc $arm && has rustc $wasm; }; then
  [ "$(uname -m)" = x86_64 ] || skip "the compiler has no standard library for $arm and $wasm"
  if [ ! -x "$cache/root/usr/bin/rustc" ]; then
    debian_compiler || skip "the compiler has no standard library for $arm and $wasm, and Debian's cannot be had"
  fi
  lld=$(rustc --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld
  export RUSTC=$cache/root/usr/bin/rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld
  export LD_LIBRARY_PATH=$cache/root/usr/lib/x86_64-linux-gnu:$cache/root/usr/lib/llvm-22/lib
  has "$RUSTC" $wasm || wasm_library || skip "the standard library for $wasm cannot be built"
  # Other compilers would use one another's files.
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/other-processors
fi

echo "== the page's module for the CPU, for WebAssembly"
cargo check --quiet --locked --package web --target $wasm --profile web --features cpu

if ! command -v qemu-aarch64 > /dev/null || ! command -v aarch64-linux-gnu-gcc > /dev/null; then
  { [ "$(id -u)" = 0 ] && apt-get install -yq --no-install-recommends qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross; } ||
    skip "qemu-aarch64 and aarch64-linux-gnu-gcc are not installed"
fi
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -L /usr/aarch64-linux-gnu"
echo "== winograd's tests on an emulated 64-bit Arm, with NEON's kernels"
# What the kernels compute; the rest of the tests asks for nothing that differs between processors.
cargo test --quiet --locked --package winograd --target $arm --lib --test batch_norm --test elementwise \
  --test forward --test gradient --test linear --test portable
