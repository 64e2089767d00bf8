//! Weights of other tools, as people have them, in the hands of the programs.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use program::{example, fails_with, folder, succeeds};
use safetensors::{SafeTensors, serialize, tensor::TensorView};
use vgg::{Precision, VggConfig};

fn photograph() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("pictures/chelsea.jpg")
}

/// Fresh weights of a network, without its configuration.
fn weights(folder: &Path, config: &VggConfig, rename: impl Fn(&str) -> Option<String>) -> PathBuf {
    let device = vgg::device("flex").expect("there");
    device.seed(1);
    let network = config.init(&device).expect("valid");
    let own = folder.join("own.safetensors");
    network.save(&own, Precision::F32, &[]).expect("saved");
    let bytes = fs::read(&own).expect("read");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let tensors = file.tensors();
    let tensors = tensors
        .iter()
        .filter_map(|(name, view)| Some((rename(name)?, view)));
    let path = folder.join("foreign.safetensors");
    let tensors: Vec<(String, &TensorView)> = tensors.collect();
    fs::write(&path, serialize(tensors, None).expect("serialised")).expect("written");
    path
}

fn narrow() -> VggConfig {
    VggConfig::named("vgg11").expect("known").with_width(0.125)
}

/// Weights of the convolutions alone.
fn features(folder: &Path) -> PathBuf {
    weights(folder, &narrow(), |name| {
        name.starts_with("features.")
            .then(|| name.replacen("features.", "features.module.", 1))
    })
}

#[test]
fn features_and_style_need_no_head() {
    let folder = folder();
    let file = features(folder.path());
    let narrow = ["--model", "vgg11", "--width", "0.125", "--side", "64"];
    let mut command = example("features");
    command
        .arg(photograph())
        .args(narrow)
        .arg("--weights")
        .arg(&file);
    let said = succeeds(command.arg("--out").arg(folder.path().join("features")));
    assert!(said.contains("no heat map"), "{said}");

    let mut pictures = Vec::new();
    for more in [
        &[][..],
        &["--preprocessing", "caffe"],
        &["--mean", "103.939,116.779,123.68", "--bgr"],
    ] {
        let out = folder.path().join("style");
        let mut command = example("style");
        command
            .arg("--content")
            .arg(photograph())
            .arg("--style")
            .arg(photograph());
        command.args(narrow).args(["--steps", "2"]).args(more);
        command.args([
            "--content-layers",
            "relu2_1",
            "--style-layers",
            "relu1_1,relu2_1",
        ]);
        succeeds(command.arg("--weights").arg(&file).arg("--out").arg(&out));
        pictures.push(fs::read(out.join("style.png")).expect("a picture"));
    }
    assert_ne!(pictures[0], pictures[1], "another preprocessing");
    assert_eq!(pictures[1], pictures[2], "the same in other words");
    let features = || {
        let mut command = example("features");
        command.arg(photograph()).args(narrow);
        command.arg("--weights").arg(&file);
        command
    };
    fails_with(
        features().args(["--preprocessing", "darknet"]),
        "there are imagenet, caffe, keras",
    );
    fails_with(
        features().args(["--mean", "1,2"]),
        "the network takes 3 channels",
    );
}

#[test]
fn infer_takes_the_head_of_the_file() {
    let folder = folder();
    let config = VggConfig::named("vgg11-cifar")
        .expect("known")
        .with_classes(5);
    let file = weights(folder.path(), &config, |name| {
        Some(format!(
            "state_dict.{}",
            name.replace("classifier.0", "classifier")
        ))
    });
    let names = folder.path().join("names.txt");
    let infer = |more: &[&str]| {
        let mut command = example("infer");
        command
            .args(["--model", "vgg11-cifar", "--weights"])
            .arg(&file);
        command.args(more).arg(photograph());
        command
    };
    let said = succeeds(&mut infer(&[]));
    assert!(
        said.contains("  4 ") && said.matches('%').count() == 5,
        "{said}"
    );
    fs::write(&names, "ant\nbee\ncat\r\ndog\u{1b}[31m\nelk\n\n").expect("written");
    let path = names.to_str().expect("text");
    let said = succeeds(&mut infer(&["--classes", path, "--key", "state_dict"]));
    assert!(
        said.contains("  elk ") && !said.contains('\u{1b}'),
        "{said}"
    );
    fs::write(&names, "ant\nbee").expect("written");
    fails_with(
        &mut infer(&["--classes", path]),
        "2 names, one a line, for the 5 classes",
    );
    fails_with(
        &mut infer(&["--key", "model_ema"]),
        "there are \"state_dict\"",
    );
    fails_with(
        &mut infer(&["--mean", "1,1,1", "--std", "1,0,1"]),
        "above 0",
    );
    let other = succeeds(&mut infer(&["--preprocessing", "half", "--json"]));
    assert_ne!(other, succeeds(&mut infer(&["--json"])));
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let folder = folder();
    let file = weights(folder.path(), &narrow(), |name| Some(name.to_owned()));
    let mut bytes = fs::read(&file).expect("read");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&file, bytes).expect("written");
    let mut command = example("features");
    command
        .arg(photograph())
        .args(["--model", "vgg11", "--width", "0.125", "--weights"])
        .arg(&file);
    fails_with(command.arg("--out").arg(folder.path()), "not finite");
}
