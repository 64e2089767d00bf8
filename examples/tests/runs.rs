//! The examples as their users run them: runs that are killed, resumed, repeated, or given
//! something that cannot work.

mod program;

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use program::{
    SmallDisk, fails_with, folder, metrics, on_one_thread as example, resume, succeeds, text,
    train, wait_for, weights,
};

#[test]
fn a_run_keeps_its_promises() {
    let folder = folder();
    let run = folder.path().join("run");
    let output = succeeds(&mut train(&run, &["--epochs", "2"]));
    let last = output.lines().last().expect("output");
    assert!(
        last.starts_with("test accuracy: 0.") && last.ends_with(" (300 images)"),
        "{last}"
    );
    for file in [
        "config.json",
        "weights.safetensors",
        "metrics.csv",
        "curve.svg",
        "confusion.svg",
        "summary.json",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    assert_eq!(metrics(&run).lines().count(), 3);

    // Its network is used, on a picture and in a test with the same result.
    let picture = folder.path().join("picture.png");
    let image =
        image::GrayImage::from_fn(60, 90, |x, _| image::Luma([if x > 20 { 20 } else { 240 }]));
    image.save(&picture).expect("saved");
    let json = succeeds(
        example("infer")
            .arg("--run")
            .arg(&run)
            .arg(&picture)
            .args(["--json", "--top", "2"]),
    );
    let answer: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(answer["classes"].as_array().map(Vec::len), Some(2));
    let test =
        succeeds(
            example("infer")
                .arg("--run")
                .arg(&run)
                .args(["--evaluate", "--limit", "300"]),
        );
    assert_eq!(test.lines().last(), Some(last));

    // A second run does not overwrite it.
    fails_with(&mut train(&run, &[]), "already holds a run");
}

#[test]
fn a_killed_run_resumed_is_the_same_as_one_that_was_not_killed() {
    let folder = folder();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let options = ["--epochs", "4", "--seed", "7", "--crop-padding", "2"];
    succeeds(&mut train(&whole, &options));

    let mut child = train(&killed, &options)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for(&mut child, &killed.join("checkpoints/epoch-1/metrics.csv"));
    child.kill().expect("killed"); // SIGKILL on Unix
    child.wait().expect("gone");
    assert!(
        !killed.join("checkpoints/epoch-2").exists(),
        "killed too late"
    );
    fails_with(
        example("infer")
            .arg("--run")
            .arg(&killed)
            .args(["--samples", "1"]),
        "not finished",
    );

    succeeds(&mut resume(&killed));
    assert_eq!(metrics(&killed), metrics(&whole));
    assert!(weights(&killed) == weights(&whole), "the weights differ");
}

#[test]
fn a_seed_fixes_a_run() {
    let folder = folder();
    let run = |name: &str, seed: &str| {
        let path = folder.path().join(name);
        succeeds(&mut train(
            &path,
            &["--epochs", "1", "--model", "vgg16-bn-28", "--seed", seed],
        ));
        metrics(&path)
    };
    let first = run("a", "1");
    assert_eq!(first, run("b", "1"));
    assert_ne!(first, run("c", "2"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_run_that_goes_on() {
    let folder = folder();
    let run = folder.path().join("run");
    let mut child = train(&run, &["--epochs", "500"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for(&mut child, &run.join("checkpoints/epoch-1/metrics.csv"));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("of 500 epochs done; go on with --resume"));
    assert!(run.join("weights.safetensors").is_file());
    succeeds(
        example("infer")
            .arg("--run")
            .arg(&run)
            .args(["--samples", "1"]),
    );
}

#[test]
fn bad_settings_are_refused_before_anything_is_written() {
    let folder = folder();
    let run = folder.path().join("run");
    for (options, expected) in [
        (
            ["--batch-size", "0"],
            "the batch size must be at least 1, found 0",
        ),
        (
            ["--epochs", "0"],
            "the number of epochs must be at least 1 and at most 1000000, found 0",
        ),
        (["--limit", "0"], "0 images"),
        (
            ["--width", "0"],
            "width multiplier must be finite and above 0",
        ),
        (["--model", "vgg17"], "no network named \"vgg17\""),
        (
            ["--backend", "abacus"],
            "no backend named \"abacus\"; compiled in: flex",
        ),
        (["--data", "nowhere"], "nowhere: "),
    ] {
        let mut command = example("train");
        fails_with(command.args(options).arg("--out").arg(&run), expected);
        assert!(!run.exists(), "{expected}");
    }
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    fails_with(&mut train(&file.join("run"), &[]), "file/run: ");
    fails_with(
        &mut resume(folder.path()),
        "not the folder of a run: it has no config.json",
    );
    fails_with(
        example("infer")
            .arg("--run")
            .arg(folder.path())
            .args(["--samples", "1"]),
        "not the folder of a run",
    );
}

#[test]
fn a_configuration_without_blocks_is_refused() {
    let folder = folder();
    let run = folder.path().join("run");
    succeeds(&mut train(&run, &["--epochs", "1", "--limit", "50"]));
    let path = run.join("config.json");
    let good = fs::read_to_string(&path).expect("config.json");
    for (key, value, expected) in [
        (
            "blocks",
            serde_json::json!([]),
            "at least one of its blocks, found 0",
        ),
        (
            "classes",
            serde_json::json!(0),
            "at least one of its classes, found 0",
        ),
        (
            "input_channels",
            serde_json::json!(0),
            "at least one of its input channels, found 0",
        ),
    ] {
        let mut config: serde_json::Value = serde_json::from_str(&good).expect("JSON");
        config["model"][key] = value;
        fs::write(&path, config.to_string()).expect("written");
        fails_with(&mut resume(&run), expected);
    }
    fs::write(&path, &good[..good.len() / 2]).expect("written");
    fails_with(&mut resume(&run), "config.json: EOF");
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_loads() {
    let folder = folder();
    let run = folder.path().join("run");
    succeeds(&mut train(&run, &["--epochs", "2"]));
    let expected = metrics(&run);
    let newest = run.join("checkpoints/epoch-2");
    for file in ["model.bpk", "optimizer.bpk"] {
        let path = newest.join(file);
        let bytes = fs::read(&path).expect("a checkpoint");
        fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
        fails_with(&mut resume(&run), file);
        fs::write(&path, bytes).expect("written");
    }
    fs::remove_dir_all(&newest).expect("removed");
    succeeds(&mut resume(&run));
    assert_eq!(metrics(&run), expected);
}

#[test]
fn a_cut_weight_file_is_refused() {
    let folder = folder();
    let run = folder.path().join("run");
    succeeds(&mut train(&run, &["--epochs", "1", "--limit", "50"]));
    let path = run.join("weights.safetensors");
    let bytes = fs::read(&path).expect("weights");
    fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let expected = format!(
        "weights.safetensors: {} bytes expected by its header, found {}",
        bytes.len(),
        bytes.len() / 2
    );
    fails_with(
        example("infer")
            .arg("--run")
            .arg(&run)
            .args(["--samples", "1"]),
        &expected,
    );
}

#[test]
fn a_broken_picture_in_a_class_folder_is_named_or_skipped() {
    let folder = folder();
    let data = folder.path().join("data");
    for (class, value) in [("dark", 30), ("light", 220)] {
        let class = data.join(class);
        fs::create_dir_all(&class).expect("created");
        for index in 0..12 {
            let image = image::GrayImage::from_pixel(40, 30, image::Luma([value + index]));
            image
                .save(class.join(format!("{index}.png")))
                .expect("saved");
        }
    }
    fs::write(data.join("light/3.png"), "no picture").expect("written");
    let args = [
        OsStr::new("--data"),
        data.as_os_str(),
        OsStr::new("--epochs"),
        OsStr::new("1"),
    ];
    let mut command = train(&folder.path().join("a"), &[]);
    fails_with(
        command.args(args),
        "light/3.png: neither a PNG nor a JPEG, WebP",
    );
    let mut command = train(&folder.path().join("b"), &["--skip-broken"]);
    let output = succeeds(command.args(args));
    assert!(
        output.contains("20 training and 3 test images of 2 classes"),
        "{output}"
    );
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).expect("created");
    let mut command = train(&folder.path().join("c"), &[]);
    fails_with(
        command.arg("--data").arg(&empty),
        "neither one folder of images a class",
    );
}

#[test]
fn a_full_disk_ends_the_run_and_the_checkpoint_before_still_loads() {
    let folder = folder();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).expect("created");
    // A checkpoint of this network takes 5.8 MB: one fits, two do not.
    let Some(disk) = SmallDisk::mount(disk, "size=8m") else {
        println!("skipped: this user may not mount a small disk");
        return;
    };
    let run = disk.0.join("run");
    let mut command = example("train");
    command.args([
        "--width", "0.25", "--hidden", "none", "--limit", "100", "--epochs", "3",
    ]);
    fails_with(command.arg("--out").arg(&run), "No space left");
    assert!(run.join("checkpoints/epoch-1/model.bpk").is_file());
    assert!(!run.join("checkpoints/epoch-2").exists());

    let grown = Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(&disk.0)
        .status();
    assert!(grown.expect("mount").success());
    succeeds(&mut resume(&run));
    assert_eq!(metrics(&run).lines().count(), 4);
}

#[test]
fn the_shipped_network_recognises_shipped_images() {
    let output = succeeds(example("infer").args(["--samples", "8"]));
    assert_eq!(output.matches("this is: ").count(), 8, "{output}");
    let widest = output.lines().map(|line| line.chars().count()).max();
    assert!(widest.is_some_and(|width| width <= 100), "{widest:?}");
    let test = succeeds(example("infer").arg("--evaluate"));
    let accuracy = test
        .lines()
        .last()
        .and_then(|line| line.split(' ').nth(2))
        .expect("a line");
    assert!(
        accuracy.parse::<f64>().is_ok_and(|accuracy| accuracy > 0.9),
        "{test}"
    );
    fails_with(&mut example("infer"), "nothing to do");
    fails_with(example("infer").arg("missing.png"), "missing.png: ");
}

#[test]
fn weights_of_another_tool_need_the_name_of_their_network() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/vgg/tests/golden");
    let (weights, picture) = (
        golden.join("files/zip.pth"),
        golden.join("images/square.png"),
    );
    let infer = |more: &[&str]| {
        let mut command = example("infer");
        command.arg(&picture).args(more);
        command
    };
    let file = weights.to_str().expect("a path of this repository");
    fails_with(&mut infer(&["--weights", file]), "--model vgg16 --weights");
    fails_with(
        &mut infer(&["--model", "vgg16"]),
        "--pretrained downloads the published ones",
    );
    fails_with(
        &mut infer(&["--model", "vgg17", "--pretrained"]),
        "no published weights called \"vgg17\"",
    );
    // The file holds a narrow network of ten classes.
    fails_with(
        &mut infer(&["--model", "vgg16", "--weights", file]),
        "of another shape: ",
    );
}
