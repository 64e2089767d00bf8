#!/usr/bin/env bash
# Every feature of the crates compiles alone, and so do those that are used together.
#
#     scripts/features.sh           all of them
#     scripts/features.sh flex,train wgpu,winograd    these of vgg
#
# The features are those of the manifests, so that none is forgotten. `cuda` and `cpu` are left out, as the builds of
# Burn's backends download LLVM; `mpi`, which needs a library; and winograd's `gpu`: Burn's GPU backends do not compile
# without one of the systems below them, which `wgpu` adds.
set -euo pipefail
cd "$(dirname "$0")/.."

# The names of a crate's features.
features() {
  sed -n '/^\[features\]/,/^\[[^f]/s/^\([a-z]*\) = .*/\1/p' "crates/$1/Cargo.toml" | grep -vxE 'default|cpu|cuda|gpu|mpi'
}

check() {
  printf '== %s with %s\n' "$1" "${2:-no feature}"
  cargo check --quiet --locked --package "$1" --no-default-features --features "$2"
}

if [ $# -gt 0 ]; then
  for set in "$@"; do check vgg "$set"; done
  exit
fi

check winograd ""
for feature in $(features winograd); do check winograd "$feature"; done
check winograd ndarray,wgpu
check winograd fusion,wgpu
check burn-cost ""
check vgg ""
for feature in $(features vgg); do check vgg "$feature"; done
for set in flex,classify flex,pretrained flex,train,cost ndarray,train,winograd train,wgpu,winograd \
  autotune,fusion,wgpu,winograd embedded,flex,ndarray,pretrained,tui,webgpu,wgpu,winograd; do
  check vgg "$set"
done
