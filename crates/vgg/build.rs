//! With the feature `mpi`: says what to install where there is no MPI library, before the crates that need it fail
//! without a word of that.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_MPI").is_none() {
        return;
    }
    for variable in ["MPICC", "MPI_PKG_CONFIG", "CRAY_MPICH_DIR", "PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    // As the crate `mpi` looks for it: the compiler of the library, unless something else is named.
    let named = ["MPI_PKG_CONFIG", "CRAY_MPICH_DIR"].map(env::var_os);
    let compiler = env::var("MPICC").unwrap_or_else(|_| "mpicc".to_owned());
    let found = Command::new(&compiler).arg("-show").output();
    if named.iter().all(Option::is_none) && !found.is_ok_and(|output| output.status.success()) {
        println!(
            "cargo::error=the feature `mpi` needs an MPI library and libclang, and `{compiler}` cannot be run. On Debian \
             and Ubuntu: apt-get install libopenmpi-dev openmpi-bin libclang-dev clang"
        );
    }
}
