//! Programs whose output cannot be written: behind `| head -1`, where nobody reads at all, on a full disk. They
//! end with the code that is usual for it, and never by a panic.

#![cfg(unix)]

mod program;

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{GrayImage, Luma};
use program::{example, folder};

/// What programs are asked for, each something that ends well where its output is read.
fn commands(folder: &Path) -> Vec<Command> {
    let picture = |name: &str| -> PathBuf {
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures");
        pictures.join(name)
    };
    let mut commands = Vec::new();
    let mut add = |name: &str, options: &[&str]| {
        let mut command = example(name);
        command.args(options).env("RAYON_NUM_THREADS", "1");
        commands.push(command);
        commands.len() - 1
    };
    add("infer", &["--samples", "40"]);
    add("infer", &["--samples", "40", "--json"]);
    add("infer", &["--list-devices"]);
    add("infer", &["--evaluate", "--limit", "50"]);
    let infer = add("infer", &["--top", "3"]);
    add("cost", &["vgg16", "--input", "1x3x64x64"]);
    add(
        "cost",
        &["vgg16", "--input", "1x3x64x64", "--format", "json"],
    );
    add(
        "cost",
        &["vgg11", "--compare", "vgg13", "--input", "1x3x64x64"],
    );
    add(
        "learn",
        &["--epochs", "1", "--limit", "64", "--blocks", "2"],
    );
    add("winograd", &["--channels", "8", "--side", "8"]);
    let narrow = ["--random-weights", "--model", "vgg11", "--width", "0.0625"];
    let features = add("features", &[&narrow[..], &["--side", "64"]].concat());
    let steps = ["--side", "48", "--steps", "2", "--every", "1"];
    let style = add("style", &[&narrow[..], &steps].concat());
    for name in [
        "infer", "cost", "features", "style", "finetune", "learn", "winograd",
    ] {
        add(name, &["--help"]);
    }
    commands[infer].args([picture("chelsea.jpg"), picture("coffee.jpg")]);
    commands[features].arg(picture("chelsea.jpg"));
    commands[features].arg("--out").arg(folder.join("features"));
    commands[style].arg("--content").arg(picture("chelsea.jpg"));
    commands[style].arg("--style").arg(picture("coffee.jpg"));
    commands[style].arg("--out").arg(folder.join("style"));
    commands
}

/// A short fine-tuning, to a folder of its own.
fn finetune(folder: &Path, out: &str) -> Command {
    let images = folder.join("images");
    for class in ["low", "high"] {
        let class_folder = images.join(class);
        fs::create_dir_all(&class_folder).expect("created");
        for number in 0..6 {
            let edge = if class == "low" { 20 } else { 8 };
            let light = |x: u32, y: u32| x > 4 + number && y > edge;
            let draw = |x, y| Luma([if light(x, y) { 240 } else { 10 }]);
            let path = class_folder.join(format!("{number}.png"));
            GrayImage::from_fn(28, 28, draw).save(path).expect("saved");
        }
    }
    let mut command = example("finetune");
    command.args([
        "--random-weights",
        "--model",
        "vgg16-bn-28",
        "--width",
        "0.0625",
    ]);
    command.args(["--frozen-epochs", "1", "--epochs", "1", "--batch-size", "4"]);
    command.arg("--data").arg(images);
    command.arg("--out").arg(folder.join(out));
    command.env("RAYON_NUM_THREADS", "1");
    command
}

/// None of these takes more than seconds.
const MOST_TIME: Duration = Duration::from_secs(120);

fn full() -> Option<File> {
    OpenOptions::new().write(true).open("/dev/full").ok()
}

/// Its code and what it said on standard error, if that was a pipe.
#[track_caller]
fn ends_with(command: &mut Command, read_a_line: bool, code: i32) -> String {
    let mut child = command.stdin(Stdio::null()).spawn().expect("it starts");
    if let Some(stdout) = child.stdout.take() {
        let mut line = String::new();
        if read_a_line {
            let read = BufReader::new(stdout).read_line(&mut line);
            read.expect("it says something");
        }
        // Here the pipe is closed.
    }
    // One that waits for ever for what has failed is ended, and has failed.
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if start.elapsed() > MOST_TIME {
            child.kill().expect("ended");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut stderr = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        pipe.read_to_string(&mut stderr).expect("text");
    }
    assert_eq!(status.code(), Some(code), "{command:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{command:?}: {stderr}");
    stderr
}

#[test]
fn a_closed_pipe_ends_a_program_quietly() {
    let folder = folder();
    for read_a_line in [true, false] {
        for mut command in commands(folder.path()) {
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            let said = ends_with(&mut command, read_a_line, 0);
            assert!(!said.contains("error"), "{command:?}: {said}");
        }
    }
}

#[test]
fn a_full_disk_is_an_error_of_one_line() {
    let Some(_) = full() else { return };
    let folder = folder();
    for mut command in commands(folder.path()) {
        let help = command.get_args().any(|argument| argument == "--help");
        command
            .stdout(full().expect("there"))
            .stderr(Stdio::piped());
        // The parser of options shows its help or does not.
        let said = ends_with(&mut command, false, if help { 0 } else { 1 });
        let errors = said
            .lines()
            .filter(|line| line.contains("error: standard output: "));
        assert_eq!(errors.count(), usize::from(!help), "{command:?}: {said}");
    }
}

#[test]
fn a_full_disk_for_messages_changes_no_code() {
    let Some(_) = full() else { return };
    let folder = folder();
    for mut command in commands(folder.path()) {
        command.stdout(Stdio::null()).stderr(full().expect("there"));
        ends_with(&mut command, false, 0);
    }
    for (name, options, code) in [
        ("infer", vec!["nowhere.png"], 1),
        ("infer", vec![], 1),
        ("infer", vec!["--no-such-option"], 2),
        (
            "features",
            vec!["nowhere.png", "--random-weights", "--width", "0.0625"],
            1,
        ),
        ("style", vec!["--content", "a.png", "--style", "b.png"], 1),
        ("finetune", vec!["--data", "nowhere", "--random-weights"], 1),
        ("cost", vec!["no-such-network"], 1),
        (
            "cost",
            vec!["vgg11", "--input", "1x3x64x64", "--max-params", "1"],
            1,
        ),
    ] {
        for stdout in [Stdio::null(), full().expect("there").into()] {
            let mut command = example(name);
            command
                .args(&options)
                .stdout(stdout)
                .stderr(full().expect("there"));
            ends_with(&mut command, false, code);
        }
    }
}

/// It has learnt something by then: it goes on without its terminal.
#[test]
fn a_fine_tuning_survives_its_terminal() {
    let folder = folder();
    let mut closed = finetune(folder.path(), "closed");
    closed.stdout(Stdio::piped()).stderr(Stdio::piped());
    ends_with(&mut closed, true, 0);
    let mut outs = vec!["closed"];
    if full().is_some() {
        let mut on_full = finetune(folder.path(), "full");
        on_full
            .stdout(full().expect("there"))
            .stderr(full().expect("there"));
        ends_with(&mut on_full, false, 0);
        outs.push("full");
    }
    for out in outs {
        let weights = folder.path().join(out).join("all/weights.safetensors");
        assert!(weights.is_file(), "{}", weights.display());
    }
}
