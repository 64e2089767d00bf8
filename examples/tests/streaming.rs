//! Trainings whose images stay in their files: they come to the end of those in memory, and go on after a kill.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use program::{fails_with, folder, metrics, resume, succeeds, train, wait_for, weights};

/// Two classes of 90 pictures each, of several sizes.
fn pictures(folder: &Path) -> PathBuf {
    let data = folder.join("pictures");
    for class in 0..2 {
        let folder = data.join(["lying", "standing"][class as usize]);
        fs::create_dir_all(&folder).expect("created");
        for index in 0..90 {
            let image = image::GrayImage::from_fn(30 + index % 9, 40, |x, y| {
                let across = if class == 0 { y } else { x };
                image::Luma([if (across + index) % 8 < 4 { 20 } else { 200 }])
            });
            let path = folder.join(format!("{index:02}.png"));
            image.save(path).expect("saved");
        }
    }
    data
}

/// A training on pictures, which keeps its index beside them.
fn training(folder: &Path, run: &Path, more: &[&str]) -> Command {
    let mut command = train(run, more);
    command
        .arg("--data")
        .arg(folder.join("pictures"))
        .env("VGG_HOME", folder.join("home"));
    command
}

#[test]
fn a_streamed_run_is_the_one_in_memory_and_says_how_long_it_waits() {
    let folder = folder();
    pictures(folder.path());
    let changes = ["--epochs", "2", "--mirror", "--crop-padding", "2"];
    let devices = [
        "--epochs",
        "2",
        "--hidden",
        "none",
        "--devices",
        "flex,flex",
    ];
    for (name, options) in [("one", &changes[..]), ("two", &devices)] {
        let run = |name: String, more: &[&str]| {
            let run = folder.path().join(name);
            let options = [options, more].concat();
            (succeeds(&mut training(folder.path(), &run, &options)), run)
        };
        let (said, memory) = run(format!("{name}-memory"), &[]);
        assert!(!said.contains("waiting"), "{said}");
        let (said, streamed) = run(format!("{name}-streamed"), &["--stream"]);
        assert_eq!(said.matches(" % waiting for images\n").count(), 2, "{said}");
        assert_eq!(metrics(&streamed), metrics(&memory));
        assert!(weights(&streamed) == weights(&memory), "the weights differ");
    }
}

#[test]
fn a_killed_streamed_run_resumed_is_the_same_as_one_that_was_not_killed() {
    let folder = folder();
    pictures(folder.path());
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let mut options = vec!["--epochs", "4", "--stream", "--random-resized-crop"];
    options.push("--mirror");
    succeeds(&mut training(folder.path(), &whole, &options));
    let mut child = training(folder.path(), &killed, &options)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for(&mut child, &killed.join("checkpoints/epoch-1/metrics.csv"));
    child.kill().expect("killed");
    child.wait().expect("gone");
    let resumed = || {
        let mut command = resume(&killed);
        command.env("VGG_HOME", folder.path().join("home"));
        command
    };
    // A picture that breaks meanwhile is named, and the checkpoint stays.
    let picture = folder.path().join("pictures/standing/88.png");
    let kept = fs::read(&picture).expect("there");
    fs::write(&picture, &kept[..kept.len() / 2]).expect("written");
    fails_with(&mut resumed(), "standing/88.png: broken image");
    fs::write(&picture, &kept).expect("written");
    succeeds(&mut resumed());
    assert_eq!(metrics(&killed), metrics(&whole));
    assert!(weights(&killed) == weights(&whole), "the weights differ");
}

#[test]
fn a_broken_picture_is_named_or_replaced() {
    let folder = folder();
    let picture = pictures(folder.path()).join("lying/30.png");
    fs::write(&picture, b"broken").expect("written");
    let run = folder.path().join("run");
    let options = ["--epochs", "1", "--stream"];
    let mut command = training(folder.path(), &run, &options);
    fails_with(&mut command, "lying/30.png: neither a PNG");
    let options = ["--epochs", "1", "--stream", "--skip-broken"];
    let said = succeeds(&mut training(folder.path(), &run, &options));
    assert!(said.contains("; a broken image was replaced: "), "{said}");
}
