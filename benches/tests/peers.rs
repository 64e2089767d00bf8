//! scripts/peers.py without any framework: what it says of those that are missing, and what it tells the program that
//! runs those in Rust.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// The script with `program` in the place of benches/peers, and without any package of Python's.
fn peers(program: &Path, words: &[&str]) -> Option<Output> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/peers.py");
    let mut command = Command::new("python3");
    // Neither the user's packages nor the system's.
    command.args(["-I", "-S", script]).args(words);
    let output = command.env("PEERS_PROGRAM", program).output();
    if output.is_err() {
        println!("skipped: there is no python3");
    }
    output.ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A program that says what it was told.
fn echo(folder: &Path) -> std::path::PathBuf {
    let program = folder.join("echo");
    let script = "#!/bin/sh\n[ $1 = about ] && echo \"$2 1.2, f32\" && exit\necho $RAYON_NUM_THREADS threads: $@\nexit 3\n";
    fs::write(&program, script).expect("written");
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&program, mode).expect("executable");
    program
}

#[test]
fn who_is_missing_is_said_to_be_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = echo(folder.path());
    let Some(output) = peers(&program, &["list"]) else {
        return;
    };
    let list = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for line in [
        "torch       missing: Python's torch is not installed\n",
        "ort         missing: Python's onnxruntime is not installed\n",
        "opencv      missing: Python's opencv-python-headless is not installed\n",
        "rten        rten 1.2, f32\n",
        "candle      candle 1.2, f32\n",
    ] {
        assert!(list.contains(line), "{list}");
    }
    assert_eq!(list.lines().count(), 10, "{list}");
    let nowhere = folder.path().join("nowhere");
    for (words, expected) in [
        (
            ["run", "candle", "2", "W1_vgg16_b1"],
            "skipped: benches/peers is not built: python3 scripts/peers.py build\n",
        ),
        (
            ["run", "ncnn", "2", "W1_vgg16_b1"],
            "skipped: Python's ncnn is not installed\n",
        ),
        (
            ["run", "caffe", "2", "W1_vgg16_b1"],
            "unknown peer caffe: torch, ort, ",
        ),
    ] {
        let output = peers(&nowhere, &words).expect("it started before");
        assert_eq!(output.status.code(), Some(1));
        let said = text(&output.stderr);
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn the_program_is_told_the_network_and_its_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = echo(folder.path());
    for (workload, expected) in [
        (
            "W1_vgg16_b1",
            "3 threads: run candle 3 W1_vgg16_b1 vgg16 1\n",
        ),
        (
            "W4_vgg16bn_b8",
            "3 threads: run candle 3 W4_vgg16bn_b8 vgg16bn 8\n",
        ),
        (
            "W3_small_infer_b64",
            "3 threads: run candle 3 W3_small_infer_b64 small 64\n",
        ),
        // It is for inference.
        ("W3_small_train_sgd_b64", ""),
    ] {
        let Some(output) = peers(&program, &["run", "candle", "3", workload]) else {
            return;
        };
        assert_eq!(text(&output.stdout), expected);
        // It ends as the program does.
        let code = if expected.is_empty() { 0 } else { 3 };
        assert_eq!(output.status.code(), Some(code), "{workload}");
    }
}
