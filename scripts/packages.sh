#!/usr/bin/env bash
# Packs the crates as for the registry, and uses the packages as a stranger would: in a folder outside of the
# workspace they are the only source of `vgg`, `winograd` and `burn-cost`; their documentation's examples and the
# program in `examples/outside` are built and run there.
#
#     scripts/packages.sh           the packages stay in target/package
#
# What is published depends on what was published before: winograd and burn-cost first, then vgg.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
crates=(winograd burn-cost vgg)
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)

# Their build is what follows.
cargo package --locked --no-verify --allow-dirty "${crates[@]/#/--package=}"

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for crate in "${crates[@]}"; do
  package=$target/package/$crate-$version.crate
  # With the time of now: packed files bear an old one, and cargo would take what an earlier run built for what they say.
  tar --extract --gzip --touch --file "$package" --directory "$place"
  printf '%8d kB  %s\n' $(($(wc -c < "$package") / 1000)) "${package##*/}"
done

# The registry has them not yet, so each stands in the place that it will have.
mkdir "$place/outside"
cp -r examples/outside/src "$place/outside/src"
sed "/^\[workspace\]/d; /^\[profile/,\$d; s|path = \"../../crates/vgg\"|version = \"$version\"|" \
  examples/outside/Cargo.toml > "$place/outside/Cargo.toml"
{
  printf '[workspace]\nresolver = "3"\nmembers = ["*-%s", "outside"]\n' "$version"
  printf '[profile.dev]\nopt-level = 1\ndebug = false\n[patch.crates-io]\n'
  for crate in "${crates[@]}"; do
    printf '%s = { path = "%s-%s" }\n' "$crate" "$crate" "$version"
  done
} > "$place/Cargo.toml"
# With the workspace's versions; what it does not need is dropped from the copy.
cp Cargo.lock "$place/Cargo.lock"

cd "$place"
export CARGO_TARGET_DIR=$target/outside
if grep -rq "$root" --include=Cargo.toml .; then
  echo "a package needs the workspace" >&2
  exit 1
fi
# The program runs as a test, so that both are built with the same features, and Burn once.
packages=(--package outside "${crates[@]/#/--package=}" --features
  winograd/burn,vgg/cost,vgg/embedded,vgg/pretrained,vgg/train)
cargo test --bins "${packages[@]}" -- --nocapture
cargo test --doc "${packages[@]}"
