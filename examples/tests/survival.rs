//! A training survives what happens around it: its terminal, signals, another process, a kill at any moment.
#![cfg(unix)]

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use program::{
    ends, fails_with, files, folder, metrics, resume, succeeds, text, train, wait_for, weights,
};

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
}

#[test]
fn a_training_goes_on_when_nobody_reads_its_output() {
    let folder = folder();
    let run = folder.path().join("run");
    let mut child = train(&run, &["--epochs", "3", "--limit", "100"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut first = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    BufReader::new(stdout)
        .read_line(&mut first)
        .expect("a line"); // and closes the pipe
    assert!(first.contains("training and"), "{first}");
    drop(child.stderr.take());
    assert!(ends(&mut child).success());
    assert_eq!(metrics(&run).lines().count(), 4);
    assert!(run.join("weights.safetensors").is_file() && run.join("summary.json").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_goes_on_when_its_output_is_on_a_full_disk() {
    let folder = folder();
    let run = folder.path().join("run");
    let mut child = train(&run, &["--epochs", "2", "--limit", "100"])
        .stdout(program::full())
        .stderr(program::full())
        .spawn()
        .expect("it starts");
    assert!(ends(&mut child).success());
    assert!(run.join("weights.safetensors").is_file() && run.join("summary.json").is_file());
}

#[cfg(target_os = "linux")]
#[test]
fn every_signal_stops_a_training_that_cannot_say_so() {
    let folder = folder();
    for name in ["-INT", "-TERM", "-HUP"] {
        let run = folder.path().join(name);
        let mut child = train(&run, &["--epochs", "5000", "--limit", "100"])
            .stdout(program::full())
            .stderr(program::full())
            .spawn()
            .expect("it starts");
        wait_for(&mut child, &run.join("checkpoints/epoch-1/metrics.csv"));
        signal(&child, name);
        assert!(ends(&mut child).success(), "{name}");
        assert!(run.join("weights.safetensors").is_file(), "{name}");
    }
}

/// Weights that grow fourfold with every step, until they are numbers no more: in the second epoch.
const GROWING: [&str; 14] = [
    "--optimizer",
    "sgd",
    "--lr",
    "1",
    "--warmup",
    "0",
    "--weight-decay",
    "5",
    "--batch-size",
    "50",
    "--epochs",
    "40",
    "--limit",
    "100",
];

#[test]
fn a_loss_that_is_not_finite_stops_a_training_and_leaves_what_was_saved() {
    let folder = folder();
    let run = folder.path().join("run");
    let mut command = train(&run, &[]);
    let output = command.args(GROWING).output().expect("it starts");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: the ") && said.contains(" loss became "),
        "{said}"
    );
    assert!(said.contains("Try a lower learning rate"), "{said}");
    assert!(!run.join("weights.safetensors").exists());
    // Every figure that was kept is a number, and the checkpoint is the one that the message names.
    let rows = metrics(&run);
    let rows: Vec<_> = rows.lines().skip(1).collect();
    assert!(!rows.is_empty() && rows.len() < 40, "{rows:?}");
    let kept = format!("the checkpoint behind epoch {} is kept", rows.len());
    assert!(said.contains(&kept), "{said}");
    assert!(
        run.join(format!("checkpoints/epoch-{}/model.bpk", rows.len()))
            .is_file()
    );
    assert!(!rows.concat().contains("NaN") && !rows.concat().contains("inf"));
}

#[test]
fn the_second_process_on_a_run_says_who_works_on_it() {
    let folder = folder();
    let run = folder.path().join("run");
    let mut first = train(&run, &["--epochs", "5000", "--limit", "100"])
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for(&mut first, &run.join("checkpoints/epoch-1/metrics.csv"));
    let holder = format!("process {} is working on this run", first.id());
    fails_with(&mut resume(&run), &holder);
    fails_with(&mut train(&run, &[]), "already holds a run");
    // Neither has disturbed it, and its lock dies with it.
    let epochs = metrics(&run).lines().count();
    while metrics(&run).lines().count() < epochs + 2 {
        assert!(first.try_wait().expect("a child").is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill().expect("killed");
    first.wait().expect("gone");
    let mut second = resume(&run)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stdout = second.stdout.take().expect("a pipe");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    assert!(line.contains("training and"), "{line}");
    second.kill().expect("killed");
    second.wait().expect("gone");
}

#[test]
fn what_a_dead_process_left_is_cleaned_up() {
    let folder = folder();
    let run = folder.path().join("run");
    // As a start that was killed before its configuration was there leaves it.
    fs::create_dir(&run).expect("created");
    for name in [".lock", ".config.json.abcdefgh.tmp", "start.safetensors"] {
        fs::write(run.join(name), "half").expect("written");
    }
    fails_with(&mut resume(&run), "not the folder of a run");
    succeeds(&mut train(&run, &["--epochs", "1", "--limit", "50"]));

    // As one that was killed while it saved leaves it.
    let partial = run.join("checkpoints/.epoch-2.partial");
    fs::create_dir(&partial).expect("created");
    fs::write(partial.join("model.bpk"), "half").expect("written");
    let leftover = run.join(".weights.safetensors.abcdefgh.tmp");
    fs::write(&leftover, "half").expect("written");
    succeeds(&mut resume(&run));
    assert!(!partial.exists() && !leftover.exists());

    // What is not ours stays, and is in the way.
    let other = folder.path().join("other");
    fs::create_dir(&other).expect("created");
    fs::write(other.join("thesis.tex"), "mine").expect("written");
    fails_with(
        &mut train(&other, &[]),
        "already holds a run or other files",
    );
    assert_eq!(files(&other), [other.join("thesis.tex")]);
}

#[test]
fn parts_of_a_checkpoint_that_do_not_belong_together_are_refused() {
    let folder = folder();
    let [run, other] = ["run", "other"].map(|name| folder.path().join(name));
    succeeds(&mut train(&run, &["--epochs", "2", "--limit", "100"]));
    succeeds(&mut train(
        &other,
        &["--epochs", "2", "--limit", "100", "--seed", "1"],
    ));
    let newest = run.join("checkpoints/epoch-2");
    let names = [
        "model.bpk",
        "optimizer.bpk",
        "schedule.bpk",
        "metrics.csv",
        "seal.json",
    ];
    for name in names {
        let path = newest.join(name);
        let good = fs::read(&path).expect("a part");
        // A flipped bit somewhere.
        for at in [good.len() / 3, good.len() - 2] {
            let mut bytes = good.clone();
            bytes[at] ^= 4;
            fs::write(&path, bytes).expect("written");
            fails_with(&mut resume(&run), "epoch-2/");
        }
        // That of the epoch before, and that of another run.
        for from in [
            run.join("checkpoints/epoch-1"),
            other.join("checkpoints/epoch-2"),
        ] {
            let foreign = fs::read(from.join(name)).expect("a part");
            if foreign != good {
                fs::write(&path, foreign).expect("written");
                fails_with(&mut resume(&run), "epoch-2/");
            }
        }
        fs::write(&path, good).expect("written");
    }

    // Other settings than those that it was made with.
    let path = run.join("config.json");
    let good = fs::read_to_string(&path).expect("config.json");
    for (key, value) in [
        ("optimizer", serde_json::json!("Sgd")),
        ("seed", serde_json::json!(3)),
        ("epochs", serde_json::json!(5)),
    ] {
        let mut config: serde_json::Value = serde_json::from_str(&good).expect("JSON");
        config["training"][key] = value;
        fs::write(&path, config.to_string()).expect("written");
        fails_with(
            &mut resume(&run),
            "other settings than those in config.json",
        );
    }
    fs::write(&path, good).expect("written");
    let expected = (metrics(&run), weights(&run));
    succeeds(&mut resume(&run));
    assert!((metrics(&run), weights(&run)) == expected);
}

#[test]
fn a_run_goes_on_from_another_folder() {
    let folder = folder();
    let class = |name: &str, value: u8| {
        let class = folder.path().join("photos").join(name);
        fs::create_dir_all(&class).expect("created");
        for index in 0..12 {
            let image = image::GrayImage::from_pixel(30, 30, image::Luma([value + index]));
            let path = class.join(format!("{index}.png"));
            image.save(path).expect("saved");
        }
    };
    class("dark", 20);
    class("light", 200);
    let mut command = train(Path::new("run"), &["--data", "photos", "--epochs", "1"]);
    succeeds(command.current_dir(folder.path()));
    let elsewhere = program::folder();
    let run = folder.path().join("run");
    succeeds(resume(&run).current_dir(elsewhere.path()));
    // A changed folder is noticed: first a name, then a number.
    let photo = |name: &str| folder.path().join("photos/dark").join(name);
    fs::rename(photo("0.png"), photo("0000.png")).expect("renamed");
    let said = |command: &mut Command| {
        let output = command.output().expect("it starts");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    let other = said(&mut resume(&run));
    assert!(
        other.contains("since the run was started: its images have other names"),
        "{other}"
    );
    fs::rename(photo("0000.png"), photo("0.png")).expect("renamed");
    assert!(!said(&mut resume(&run)).contains("changed"));
    fs::copy(photo("1.png"), photo("99.png")).expect("copied");
    let other = said(&mut resume(&run));
    assert!(other.contains("20 training images then, 21 now"), "{other}");
    fs::remove_file(photo("99.png")).expect("removed");

    // Moved as well.
    let moved = elsewhere.path().join("moved");
    fs::rename(&run, &moved).expect("moved");
    succeeds(resume(Path::new("moved")).current_dir(elsewhere.path()));
}

#[test]
fn names_of_folders_do_not_command_the_terminal() {
    let folder = folder();
    let data = folder.path().join("data");
    for (name, value) in [("\u{1b}[31mred", 20u8), ("\u{202e}turned", 200)] {
        let class = data.join(name);
        fs::create_dir_all(&class).expect("created");
        for index in 0..12 {
            let image = image::GrayImage::from_pixel(30, 30, image::Luma([value + index]));
            image
                .save(class.join(format!("{index}.png")))
                .expect("saved");
        }
        fs::write(class.join("\u{1b}[2Jnotes.txt"), "no picture").expect("written");
    }
    let mut command = train(&folder.path().join("run"), &["--epochs", "1"]);
    let output = command
        .arg("--data")
        .arg(&data)
        .output()
        .expect("it starts");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("[31mred") && said.contains("turned"),
        "{said}"
    );
    assert!(said.contains("notes.txt"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
}

#[test]
fn sizes_without_sense_are_no_trouble() {
    let folder = folder();
    let most = u64::MAX.to_string();
    let run = |name: &str| folder.path().join(name);
    let quick = ["--epochs", "1", "--limit", "20"];
    succeeds(train(&run("a"), &quick).args(["--batch-size", &most]));
    succeeds(train(&run("b"), &["--epochs", "1", "--limit", "20"]).args(["--seed", &most]));
    let epochs =
        format!("the number of epochs must be at least 1 and at most 1000000, found {most}");
    let mut command = program::on_one_thread("train");
    fails_with(
        command.args(["--epochs", &most]).arg("--out").arg(run("c")),
        &epochs,
    );
    fails_with(
        train(&run("d"), &quick).args(["--crop-padding", &most]),
        "the padding of crops must be at most 65536",
    );
    for name in ["c", "d"] {
        assert!(!run(name).exists());
    }
}

#[test]
fn killed_at_random_moments_a_run_ends_as_if_it_had_not_been() {
    let folder = folder();
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    let options = ["--epochs", "8", "--seed", "3", "--crop-padding", "1"];
    succeeds(&mut train(&whole, &options));
    let kills = program::kill_until_done(
        42,
        || killed.join("config.json").is_file(),
        || train(&killed, &options),
        || resume(&killed),
    );
    assert!(kills > 3, "killed {kills} times");
    assert_eq!(metrics(&killed), metrics(&whole));
    assert!(weights(&killed) == weights(&whole), "the weights differ");
    let names = |run: &Path| {
        let mut names: Vec<_> = files(run)
            .into_iter()
            .map(|path| path.strip_prefix(run).expect("below").to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&killed), names(&whole), "something was left");
}
