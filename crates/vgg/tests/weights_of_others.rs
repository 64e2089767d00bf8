//! Weight files as people have them: wrapped, nested, averaged, converted, without a head, with another one.

#![cfg(all(feature = "flex", feature = "pytorch"))]

mod common;
#[path = "common/torch.rs"]
mod torch;

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use common::{Tensors, difference, golden, tensors, values, write};
use vgg::{LoadOptions, LoadReport, Part, Precision, Vgg, WeightsError, WeightsHeader};

const GOLDEN: &str = "vgg16-bn-imagenet.safetensors";

fn network() -> Vgg {
    let header = WeightsHeader::read(golden(GOLDEN)).expect("a golden file");
    let config = header.config().expect("described");
    config.init(&Device::flex()).expect("valid")
}

/// How far the logits of `network` are from PyTorch's.
fn error(network: &Vgg) -> f32 {
    let expected = tensors(&golden("vgg16-bn-imagenet.expected.safetensors"));
    let (shape, images) = &expected["images"];
    let data = TensorData::new(images.clone(), shape.clone());
    let logits = network.forward(Tensor::from_data(data, &Device::flex()));
    difference(&values(logits.expect("fits")), &expected["logits"].1)
}

/// The golden weights with names made anew; `None` leaves a tensor out.
fn renamed(name: impl Fn(&str) -> Option<String>) -> Tensors {
    let weights = tensors(&golden(GOLDEN)).into_iter();
    weights
        .filter_map(|(old, tensor)| Some((name(&old)?, tensor)))
        .collect()
}

struct File {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

fn file(tensors: &Tensors) -> File {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.safetensors");
    write(&path, tensors);
    File {
        _folder: folder,
        path,
    }
}

fn loaded(tensors: &Tensors, options: &LoadOptions) -> Result<(Vgg, LoadReport), WeightsError> {
    network().load_with(&file(tensors).path, options)
}

#[test]
fn an_archive_is_read_whatever_its_file_was_called() {
    let entries = torch::entries(&golden("files/zip.pth"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("renamed.pth");
    for length in 1..=60 {
        let stem = "x".repeat(length);
        let bytes = torch::archive(&stem, &entries);
        std::fs::write(&path, bytes).expect("written");
        let network = network()
            .load(&path)
            .unwrap_or_else(|error| panic!("a stem of {length} characters: {error}"));
        if length % 20 == 1 {
            assert!(error(&network) < 1e-4, "{length}");
        }
    }
    // Of this length the first entry of the list is as large as the two records behind it.
    assert_eq!(46 + "x".repeat(21).len() + "/data.pkl".len(), 56 + 20);
}

#[test]
fn wrappers_are_no_part_of_a_name() {
    type Rename = fn(&str) -> String;
    let features_alone: Rename = |name| name.replacen("features.", "features.module.", 1);
    let cases: [(Rename, &str); 7] = [
        (features_alone, ""),
        (|name| format!("module.{name}"), ""),
        (|name| format!("_orig_mod.{name}"), ""),
        (|name| format!("module._orig_mod.{name}"), ""),
        (|name| format!("model.{name}"), "model"),
        (
            |name| {
                format!(
                    "state_dict.{}",
                    name.replacen("features.", "features.module.", 1)
                )
            },
            "state_dict",
        ),
        (
            |name| format!("checkpoint.net.module.{name}"),
            "checkpoint.net",
        ),
    ];
    for (rename, key) in cases {
        let weights = renamed(|name| Some(rename(name)));
        let first = weights.keys().next().expect("not empty").clone();
        let (network, report) = loaded(&weights, &LoadOptions::default())
            .unwrap_or_else(|error| panic!("{first}: {error}"));
        assert_eq!(
            (report.key.as_str(), report.other_keys.len()),
            (key, 0),
            "{first}"
        );
        assert!(error(&network) < 1e-4, "{first}");
    }
}

#[test]
fn of_averaged_and_raw_weights_the_raw_ones_are_taken_or_those_behind_the_key() {
    let mut weights = renamed(|name| Some(format!("state_dict.{name}")));
    for (name, (shape, values)) in renamed(|name| Some(format!("state_dict_ema.module.{name}"))) {
        weights.insert(name, (shape, vec![0.0; values.len()]));
    }
    weights.insert("optimizer.state.0.exp_avg".to_owned(), (vec![1], vec![0.0]));
    let (network, report) = loaded(&weights, &LoadOptions::default()).expect("loaded");
    assert_eq!(report.key, "state_dict");
    assert_eq!(report.other_keys, ["state_dict_ema"]);
    assert!(error(&network) < 1e-4);

    let of = |key: &str| LoadOptions {
        key: Some(key.to_owned()),
        ..LoadOptions::default()
    };
    let (network, report) = loaded(&weights, &of("state_dict_ema")).expect("loaded");
    assert_eq!(report.key, "state_dict_ema");
    assert!(error(&network) > 0.1);
    let message = loaded(&weights, &of("ema"))
        .expect_err("not there")
        .to_string();
    assert!(
        message.contains("behind the key \"ema\"; there are \"state_dict\", \"state_dict_ema\""),
        "{message}"
    );
}

#[test]
fn heads_of_converted_networks_have_other_places() {
    for places in [["1", "4", "6"], ["0", "2", "4"], ["0", "3", "6"]] {
        let weights = renamed(|name| {
            Some(match name.strip_prefix("classifier.") {
                None => name.to_owned(),
                Some(rest) => {
                    let (place, leaf) = rest.split_once('.').expect("a place");
                    let place = places[place.parse::<usize>().expect("a number") / 3];
                    format!("classifier.{place}.{leaf}")
                }
            })
        });
        let (network, _) = loaded(&weights, &LoadOptions::default())
            .unwrap_or_else(|error| panic!("{places:?}: {error}"));
        assert!(error(&network) < 1e-4, "{places:?}");
    }
}

#[test]
fn the_papers_names_are_known() {
    let config = network().config().clone().with_batch_norm(false);
    let own = config.init(&Device::flex()).expect("valid");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("own.safetensors");
    own.save(&path, Precision::F32, &[]).expect("saved");
    let stored = tensors(&path);
    let places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
    let names = [
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1",
        "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3",
    ];
    let caffe: Tensors = stored
        .iter()
        .map(|(name, tensor)| {
            let (module, leaf) = name.rsplit_once('.').expect("a module");
            let (part, place) = module.split_once('.').expect("a place");
            let place: usize = place.parse().expect("a number");
            let module = match part {
                "features" => {
                    names[places.iter().position(|&at| at == place).expect("known")].to_owned()
                }
                _ => format!("fc{}", 6 + place / 3),
            };
            (format!("{module}.{leaf}"), tensor.clone())
        })
        .collect();
    let path = file(&caffe);
    let loaded = config
        .init(&Device::flex())
        .expect("valid")
        .load(&path.path)
        .expect("loaded");
    let again = folder.path().join("again.safetensors");
    loaded.save(&again, Precision::F32, &[]).expect("saved");
    assert_eq!(tensors(&again), stored);
}

#[test]
fn features_alone_are_enough_where_only_they_are_needed() {
    let features = renamed(|name| name.starts_with("features.").then(|| name.to_owned()));
    let options = LoadOptions {
        features_suffice: true,
        classes_of_file: true,
        ..LoadOptions::default()
    };
    let (_, report) = loaded(&features, &options).expect("features");
    assert_eq!(report.part, Part::Features);
    let message = loaded(&features, &LoadOptions::default())
        .expect_err("no head")
        .to_string();
    assert!(message.contains("missing: classifier."), "{message}");
    // A head that lacks a layer is broken.
    let mut broken = tensors(&golden(GOLDEN));
    broken.remove("classifier.6.weight");
    loaded(&broken, &options).expect_err("half a head");
    let (network, report) = loaded(&tensors(&golden(GOLDEN)), &options).expect("all of it");
    assert_eq!(report.part, Part::Whole);
    assert!(error(&network) < 1e-4);
}

#[test]
fn a_network_has_as_many_classes_as_its_file() {
    let mut weights = tensors(&golden(GOLDEN));
    let inputs = weights["classifier.6.weight"].0[1];
    weights.insert(
        "classifier.6.weight".to_owned(),
        (vec![5, inputs], vec![0.5; 5 * inputs]),
    );
    weights.insert("classifier.6.bias".to_owned(), (vec![5], vec![0.5; 5]));
    let options = LoadOptions {
        classes_of_file: true,
        ..LoadOptions::default()
    };
    let (network, _) = loaded(&weights, &options).expect("five classes");
    assert_eq!(network.config().classes, 5);
    assert_eq!(network.output.weight.dims(), [inputs, 5]);
    loaded(&weights, &LoadOptions::default()).expect_err("ten classes are asked for");
    weights.insert("classifier.6.bias".to_owned(), (vec![4], vec![0.5; 4]));
    loaded(&weights, &options).expect_err("four biases");
}

#[test]
fn a_foreign_head_is_not_taken_for_timms() {
    let weights = renamed(|name| Some(name.replace("classifier.6", "head.0")));
    let message = loaded(&weights, &LoadOptions::default())
        .expect_err("another head")
        .to_string();
    assert!(
        message
            .contains("missing: classifier.6.bias, classifier.6.weight; unexpected: head.0.bias"),
        "{message}"
    );
}
