//! A fine-tuning that is stopped or killed goes on, in either of its stages, and ends as one that was not.
#![cfg(unix)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use image::{GrayImage, Luma};
use program::{
    ends, fails_with, folder, metrics, on_one_thread, resume, succeeds, text, wait_for, weights,
};

/// Two classes of twelve images.
fn photos(folder: &Path) -> PathBuf {
    let photos = folder.join("photos");
    for (name, value) in [("dark", 20u8), ("light", 200)] {
        let class = photos.join(name);
        fs::create_dir_all(&class).expect("created");
        for index in 0..12u8 {
            let image =
                GrayImage::from_fn(28, 28, |x, y| Luma([value + (x * y) as u8 % (9 + index)]));
            image
                .save(class.join(format!("{index}.png")))
                .expect("saved");
        }
    }
    photos
}

const NETWORK: [&str; 9] = [
    "--random-weights",
    "--model",
    "vgg16-bn-28",
    "--width",
    "0.0625",
    "--batch-size",
    "4",
    "--lr",
    "0.003",
];

fn finetune(photos: &Path, out: &Path, more: &[&str]) -> Command {
    let mut command = on_one_thread("finetune");
    command.arg("--data").arg(photos).args(NETWORK).args(more);
    command.arg("--out").arg(out);
    command
}

fn go_on(out: &Path) -> Command {
    let mut command = on_one_thread("finetune");
    command.arg("--resume").arg(out);
    command
}

/// All that came out, to the last bit.
fn outcome(out: &Path) -> Vec<(String, Vec<u8>)> {
    let stages = ["frozen", "all"].map(|stage| out.join(stage));
    stages
        .iter()
        .map(|stage| (metrics(stage), weights(stage)))
        .collect()
}

/// The weights of the convolutions and their norms in a file.
fn features(weights: &[u8]) -> Vec<Vec<u8>> {
    let tensors = safetensors::SafeTensors::deserialize(weights).expect("weights");
    let mut tensors: Vec<_> = tensors.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let features = tensors
        .into_iter()
        .filter(|(name, _)| name.starts_with("features"));
    features.map(|(_, tensor)| tensor.data().to_vec()).collect()
}

#[test]
fn killed_in_either_stage_it_ends_as_if_it_had_not_been() {
    let folder = folder();
    let photos = photos(folder.path());
    let stages = ["--frozen-epochs", "4", "--epochs", "4"];
    let whole = folder.path().join("whole");
    succeeds(&mut finetune(&photos, &whole, &stages));
    let expected = outcome(&whole);

    for stage in ["frozen", "all"] {
        let killed = folder.path().join(format!("killed in {stage}"));
        let mut child = finetune(&photos, &killed, &stages)
            .stdout(Stdio::null())
            .spawn()
            .expect("it starts");
        let checkpoint = killed.join(stage).join("checkpoints/epoch-1/metrics.csv");
        wait_for(&mut child, &checkpoint);
        child.kill().expect("killed");
        child.wait().expect("gone");
        assert!(!killed.join(stage).join("weights.safetensors").exists());
        succeeds(&mut go_on(&killed));
        assert!(outcome(&killed) == expected, "killed in {stage}");
        // Once more changes nothing.
        succeeds(&mut go_on(&killed));
        assert!(outcome(&killed) == expected, "again");
    }

    // `train` goes on with a stage alone, and leaves the features frozen.
    let killed = folder.path().join("killed");
    let mut child = finetune(&photos, &killed, &stages)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let frozen = killed.join("frozen");
    wait_for(&mut child, &frozen.join("checkpoints/epoch-1/metrics.csv"));
    child.kill().expect("killed");
    child.wait().expect("gone");
    succeeds(&mut resume(&frozen));
    assert!(weights(&frozen) == expected[0].1);
    let start = fs::read(frozen.join("start.safetensors")).expect("where it started");
    assert!(features(&weights(&frozen)) == features(&start));
    succeeds(&mut go_on(&killed));
    assert!(outcome(&killed) == expected);
    assert!(features(&expected[1].1) != features(&start));
}

#[test]
fn killed_at_random_moments_it_ends_as_if_it_had_not_been() {
    let folder = folder();
    let photos = photos(folder.path());
    let stages = ["--frozen-epochs", "3", "--epochs", "3"];
    let [whole, killed] = ["whole", "killed"].map(|name| folder.path().join(name));
    succeeds(&mut finetune(&photos, &whole, &stages));
    let is_begun = || {
        let is_run = |stage: &str| killed.join(stage).join("config.json").is_file();
        is_run("frozen") || is_run("all")
    };
    let kills = program::kill_until_done(
        7,
        is_begun,
        || finetune(&photos, &killed, &stages),
        || go_on(&killed),
    );
    assert!(kills > 3, "killed {kills} times");
    assert!(outcome(&killed) == outcome(&whole));
}

#[test]
fn ctrl_c_stops_it_and_it_says_how_to_go_on() {
    let folder = folder();
    let photos = photos(folder.path());
    let out = folder.path().join("out");
    let mut child = finetune(&photos, &out, &["--frozen-epochs", "5000"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    wait_for(
        &mut child,
        &out.join("frozen/checkpoints/epoch-1/metrics.csv"),
    );
    std::thread::sleep(Duration::from_millis(20));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
    assert!(ends(&mut child).success());
    let said = text(&child.wait_with_output().expect("its end").stdout);
    assert!(
        said.contains("of 5000 epochs done; go on with --resume"),
        "{said}"
    );
    assert!(!out.join("all").exists());
}

#[test]
fn a_stage_without_epochs_is_left_out() {
    let folder = folder();
    let photos = photos(folder.path());
    let [both, first, second] = ["both", "first", "second"].map(|name| folder.path().join(name));
    fails_with(
        &mut finetune(&photos, &both, &["--frozen-epochs", "0", "--epochs", "0"]),
        "--frozen-epochs and --epochs are both 0",
    );
    assert!(!both.exists());
    succeeds(&mut finetune(
        &photos,
        &first,
        &["--frozen-epochs", "1", "--epochs", "0"],
    ));
    assert!(first.join("frozen/weights.safetensors").is_file() && !first.join("all").exists());
    succeeds(&mut finetune(
        &photos,
        &second,
        &["--frozen-epochs", "0", "--epochs", "1"],
    ));
    assert!(second.join("all/weights.safetensors").is_file() && !second.join("frozen").exists());
    fails_with(
        &mut finetune(&photos, &second, &["--frozen-epochs", "1"]),
        "already holds a fine-tuning",
    );
}

#[test]
fn what_cannot_be_resumed_truly_is_refused() {
    let folder = folder();
    let photos = photos(folder.path());
    let out = folder.path().join("out");
    fails_with(&mut go_on(folder.path()), "it has no finetune.json");
    succeeds(&mut finetune(
        &photos,
        &out,
        &["--frozen-epochs", "1", "--epochs", "1"],
    ));
    let frozen = out.join("frozen");
    let start = frozen.join("start.safetensors");
    let kept = fs::read(&start).expect("where it started");
    fs::remove_file(&start).expect("removed");
    fails_with(
        &mut resume(&frozen),
        "start.safetensors, the weights that it started from, is missing",
    );
    fs::write(&start, kept).expect("written");
    // As an earlier version wrote it.
    let path = frozen.join("config.json");
    let text = fs::read_to_string(&path).expect("config.json");
    let mut config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let fields = config.as_object_mut().expect("an object");
    fields.remove("start");
    fields.remove("frozen");
    fs::write(&path, config.to_string()).expect("written");
    fails_with(&mut resume(&frozen), "it was made by an earlier version");
    succeeds(
        on_one_thread("infer")
            .arg("--run")
            .arg(&frozen)
            .arg(photos.join("dark/1.png")),
    );
    // Killed before the network was saved.
    fs::remove_dir_all(out.join("frozen")).expect("removed");
    fs::remove_dir_all(out.join("all")).expect("removed");
    fails_with(&mut go_on(&out), "start it again with --out");
}
