//! The frameworks' versions, from the lock file: `VERSION_CANDLE_CORE` and so on.

use std::fs;

fn main() {
    println!("cargo::rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    for name in ["candle-core", "rten", "tract-onnx"] {
        let entry = format!("name = \"{name}\"\nversion = \"");
        let (_, version) = lock.split_once(&entry).expect("a locked version");
        let (version, _) = version.split_once('"').expect("its end");
        let variable = name.to_uppercase().replace('-', "_");
        println!("cargo::rustc-env=VERSION_{variable}={version}");
    }
}
