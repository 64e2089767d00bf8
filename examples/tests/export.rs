//! `infer --export`: the file, what is said about it, and what is left where it cannot be written.

mod program;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use program::{SmallDisk, example, fails_with, folder, succeeds, text};
use vgg::{Classifier, Precision};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let names = entries.map(|entry| name(entry).into_string().expect("ASCII"));
    names.collect()
}

#[test]
fn the_shipped_network_is_exported_and_counted() {
    let folder = folder();
    let path = folder.path().join("new/clothes.onnx");
    let output = example("infer").arg("--export").arg(&path).output();
    let output = output.expect("it starts");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let expected = "MB; takes `images` [batch, 1, 28, 28], gives `logits` [batch, 10]\n";
    assert!(said.ends_with(expected), "{said}");
    // Standard output is for answers.
    assert_eq!(text(&output.stdout), "");
    assert_eq!(names(&folder.path().join("new")), ["clothes.onnx"]);

    // Norms are folded. Beside the weights there are names and shapes.
    let shipped = Classifier::shipped(&Device::flex()).expect("shipped");
    let folded = shipped.network().config().clone().with_batch_norm(false);
    let parameters = u64::try_from(folded.parameter_count()).expect("few");
    let length = fs::metadata(&path).expect("there").len();
    let beside = length.checked_sub(4 * parameters);
    assert!(beside.is_some_and(|bytes| bytes < 10_000), "{length}");
    let report = succeeds(example("cost").arg(&path).args(["--format", "json"]));
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let counted = report["total"]["parameters"]["trainable"].as_u64();
    assert_eq!(counted, Some(parameters));
}

#[test]
fn answers_follow_an_export() {
    let folder = folder();
    let path = folder.path().join("clothes.onnx");
    let answers = succeeds(
        example("infer")
            .args(["--samples", "2", "--export"])
            .arg(&path),
    );
    assert_eq!(answers, succeeds(example("infer").args(["--samples", "2"])));
    assert!(path.is_file());
}

/// Each number of the file is one, but what they are folded to is not: a variance below zero.
#[test]
fn weights_that_are_no_numbers_are_not_exported() {
    let folder = folder();
    let classifier = Classifier::shipped(&Device::flex()).expect("shipped");
    let network = classifier.network().clone();
    let norm = network.blocks[0].layers[1].norm.as_ref().expect("a norm");
    norm.running_var
        .update(norm.running_var.value_sync() * -1.0);
    norm.running_var.value_sync();
    let (classes, preprocessing) = (classifier.classes().to_vec(), classifier.preprocessing());
    let broken = Classifier::new(network, classes, preprocessing.clone()).expect("it fits");
    let weights = folder.path().join("broken.safetensors");
    broken.save(&weights, Precision::F32).expect("written");
    let mut command = example("infer");
    command.arg("--weights").arg(&weights).arg("--export");
    fails_with(
        command.arg(folder.path().join("broken.onnx")),
        "broken.onnx: not written, as numbers in conv1_2.weight are not finite",
    );
    assert_eq!(names(folder.path()), ["broken.safetensors"]);
}

#[test]
fn a_full_disk_keeps_the_old_file() {
    let folder = folder();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).expect("created");
    let Some(disk) = SmallDisk::mount(disk, "size=1m") else {
        println!("skipped: this user may not mount a small disk");
        return;
    };
    let path = disk.0.join("clothes.onnx");
    fs::write(&path, "old").expect("written");
    fails_with(
        example("infer").arg("--export").arg(&path),
        "clothes.onnx: No space left",
    );
    assert_eq!(fs::read(&path).expect("there"), b"old");
    assert_eq!(names(&disk.0), ["clothes.onnx"]);
}

#[test]
fn what_is_no_file_stays() {
    let folder = folder();
    let inside = folder.path().join("file/model.onnx");
    fs::write(folder.path().join("file"), "").expect("written");
    fails_with(
        example("infer").arg("--export").arg(&inside),
        "model.onnx: ",
    );
    fails_with(
        example("infer").arg("--export").arg(folder.path()),
        "it is a folder, not a file",
    );
    assert_eq!(names(folder.path()), ["file"]);
}
