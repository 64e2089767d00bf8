#!/usr/bin/env bash
# Builds the page into examples/web/dist, which any static server can serve:
#
#     examples/web/build.sh             both modules
#     examples/web/build.sh cpu         only the CPU's: quicker to build, the page then has no WebGPU
#
# Needs `rustup target add wasm32-unknown-unknown` and `wasm-bindgen` of the version in Cargo.lock;
# `wasm-opt` (binaryen 132 or newer) makes the modules smaller where it is present. Another compiler
# is taken from RUSTC, other programs from WASM_BINDGEN and WASM_OPT.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

target=wasm32-unknown-unknown
dist=$here/dist
wasm_bindgen=${WASM_BINDGEN:-wasm-bindgen}
wasm_opt=${WASM_OPT:-wasm-opt}
modules=("$@")
[ $# -gt 0 ] || modules=(cpu webgpu)

missing() { printf 'error: %s\n' "$*" >&2; exit 1; }

for module in "${modules[@]}"; do
  [[ $module == cpu || $module == webgpu ]] || missing "there is no module \"$module\"; there are cpu and webgpu"
done
libraries=$("${RUSTC:-rustc}" --print target-libdir --target $target)
compgen -G "$libraries/libstd-*.rlib" > /dev/null ||
  missing "the Rust compiler has no standard library for $target; add it with
       rustup target add $target"
wanted=$(grep -A1 '^name = "wasm-bindgen"$' Cargo.lock | sed -n 's/^version = "\(.*\)"$/\1/p')
install="install it with
       cargo install wasm-bindgen-cli --version $wanted"
command -v "$wasm_bindgen" > /dev/null || missing "$wasm_bindgen was not found; $install"
found=$("$wasm_bindgen" --version)
[ "$found" = "wasm-bindgen $wanted" ] ||
  missing "Cargo.lock has wasm-bindgen $wanted, and $wasm_bindgen says it is \"$found\"; $install"

# A fifth smaller, as fast, the same compressed. Version 108 writes modules that do not run, without
# a word; 132 is the oldest that was seen to work.
optimise() {
  # What every browser with vectors has; with more, wasm-opt writes what many cannot read.
  local features=(--enable-simd --enable-bulk-memory --enable-nontrapping-float-to-int
    --enable-sign-ext --enable-mutable-globals --enable-reference-types --enable-multivalue)
  local version
  version=$("$wasm_opt" --version 2> /dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/') || true
  if [ "${version:-0}" -lt 132 ]; then
    echo "no wasm-opt of version 132 or newer was found: the module stays larger than it could be"
    return
  fi
  "$wasm_opt" -Oz "${features[@]}" --output "$1.small" "$1"
  mv "$1.small" "$1"
}

export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="-C target-feature=+simd128"
built=$(cargo metadata --format-version 1 --no-deps --locked |
  sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
next=$(mktemp -d "$here/dist.XXXXXX")
trap 'rm -rf "$next"' EXIT

for module in "${modules[@]}"; do
  echo "== the module $module"
  cargo build --locked --package web --target $target --profile web --features "$module"
  "$wasm_bindgen" --target web --no-typescript --remove-name-section \
    --remove-producers-section --out-dir "$next/$module" --out-name web \
    "$built/$target/web/web.wasm"
  optimise "$next/$module/web_bg.wasm"
done

cp -r "$here"/page/. crates/vgg/weights/fashion-mnist.safetensors "$next"
# What the page keeps to work without a network: all but the GPU's module, which not every visitor loads.
files=$(cd "$next" && find . -type f -not -path './webgpu/*' -printf '"%P"\n' | sort | paste -sd,)
echo "[$files]" > "$next/files.json"
# There as a whole or not at all.
chmod 755 "$next"
rm -rf "$dist"
mv "$next" "$dist"

echo "== sizes, in kB, plain and compressed with gzip"
cd "$dist"
for file in */web_bg.wasm fashion-mnist.safetensors; do
  printf '%8d %8d  %s\n' $(($(wc -c < "$file") / 1000)) $(($(gzip -9c "$file" | wc -c) / 1000)) "$file"
done
echo "serve it with, for example:  python3 -m http.server --directory examples/web/dist"
