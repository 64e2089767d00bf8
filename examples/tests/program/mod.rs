//! The examples as programs: started, and held to what they say.
#![allow(dead_code)] // each test takes what it needs

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The program that `cargo test` has built beside this test.
pub fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a running test");
    let target = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target.join("examples").join(program));
    command.stdin(Stdio::null());
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
pub fn succeeds(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it starts");
    assert!(status.success(), "{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}

#[track_caller]
pub fn fails_with(command: &mut Command, expected: &str) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(!status.success(), "it went through: {stdout}");
    assert!(stderr.contains(expected), "{stderr:?} lacks {expected:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
