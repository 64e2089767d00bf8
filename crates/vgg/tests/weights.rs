//! Weight files of PyTorch and timm: files made by scripts/weights.py.

#![cfg(all(feature = "flex", feature = "pytorch"))]

mod common;

use std::io::Write;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use common::{Tensors, difference, golden, tensors, values, write};
use vgg::{Part, Precision, Vgg, VggConfig, WeightsError, WeightsHeader};

const GOLDEN: &str = "vgg16-bn-imagenet.safetensors";

fn config() -> VggConfig {
    let header = WeightsHeader::read(golden(GOLDEN)).expect("a golden file");
    header.config().expect("described")
}

fn network() -> Vgg {
    config().init(&Device::flex()).expect("valid")
}

/// A tensor of a golden file.
fn tensor<const D: usize>((shape, values): &(Vec<usize>, Vec<f32>)) -> Tensor<D> {
    let data = TensorData::new(values.clone(), shape.clone());
    Tensor::from_data(data, &Device::flex())
}

/// How far the logits of `network` are from PyTorch's.
fn error(network: &Vgg) -> f32 {
    let expected = tensors(&golden("vgg16-bn-imagenet.expected.safetensors"));
    let logits = network.forward(tensor(&expected["images"])).expect("fits");
    difference(&values(logits), &expected["logits"].1)
}

#[test]
fn every_format_gives_the_same_logits() {
    for (file, tolerance) in [
        ("zip.pth", 1e-4),
        ("legacy.pth", 1e-4),
        ("checkpoint.pth", 1e-4),
        ("torchvision.safetensors", 1e-4),
        ("timm.safetensors", 1e-4),
        ("f64.safetensors", 1e-4),
        ("f16.safetensors", 5e-3),
        ("bf16.pth", 3e-2),
    ] {
        let loaded = network()
            .load(golden(&format!("files/{file}")))
            .unwrap_or_else(|error| panic!("{error}"));
        let error = error(&loaded);
        assert!(error < tolerance, "{file}: {error:e}");
    }
    assert!(error(&network()) > 0.1, "fresh weights must not pass");
}

#[test]
fn a_loaded_network_can_be_saved_and_prepared() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("again.safetensors");
    let loaded = network().load(golden("files/zip.pth")).expect("loaded");
    loaded.save(&path, Precision::F32, &[]).expect("saved");
    assert_eq!(tensors(&path), tensors(&golden(GOLDEN)));
    #[cfg(feature = "winograd")]
    {
        let expected = tensors(&golden("vgg16-bn-imagenet.expected.safetensors"));
        let prepared = loaded.prepare();
        let logits = prepared.forward(tensor(&expected["images"])).expect("fits");
        assert!(difference(&values(logits), &expected["logits"].1) < 1e-4);
    }
}

#[test]
fn a_part_of_the_weights_is_enough_for_a_part_of_the_network() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("features.safetensors");
    let other = config()
        .with_classes(3)
        .init(&Device::flex())
        .expect("valid");
    for file in ["files/zip.pth", "files/timm.safetensors"] {
        let (network, _) = other
            .clone()
            .load_with(golden(file), &Part::WithoutOutput.into())
            .expect("the rest fits");
        network.save(&path, Precision::F32, &[]).expect("saved");
        let (found, stored) = (tensors(&path), tensors(&golden(GOLDEN)));
        assert_eq!(found["classifier.3.weight"], stored["classifier.3.weight"]);
        assert_eq!(found["classifier.6.weight"].0, [3, 16]);
    }

    // Features alone, into a network with another head.
    let mut features = tensors(&golden(GOLDEN));
    features.retain(|name, _| name.starts_with("features."));
    write(&path, &features);
    let headless = config()
        .with_hidden(vec![64])
        .init(&Device::flex())
        .expect("valid");
    headless
        .clone()
        .load_with(&path, &Part::Features.into())
        .expect("all convolutions are there");
    headless
        .load_with(golden("files/zip.pth"), &Part::Features.into())
        .expect("its head is left out");
    let error = network()
        .load_with(&path, &Part::WithoutOutput.into())
        .expect_err("no hidden layers");
    assert!(
        error.to_string().contains("missing: classifier.0.bias"),
        "{error}"
    );
}

/// The message of loading `tensors` whole.
fn refused(tensors: &Tensors) -> WeightsError {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("other.safetensors");
    write(&path, tensors);
    network().load(&path).expect_err("refused")
}

#[test]
fn weights_of_a_resnet_are_refused_with_ten_names_of_a_kind() {
    let mut resnet = Tensors::new();
    resnet.insert("conv1.weight".into(), (vec![64, 3, 7, 7], vec![0.0; 9408]));
    for layer in 1..=4 {
        for block in 0..3 {
            let name = format!("layer{layer}.{block}.conv1.weight");
            resnet.insert(name, (vec![2, 2], vec![0.0; 4]));
        }
    }
    let message = refused(&resnet).to_string();
    assert!(
        message.contains(
            "features.4.weight and 74 more; unexpected: conv1.weight, layer1.0.conv1.weight"
        ),
        "{message}"
    );
    assert!(
        message.contains("layer3.2.conv1.weight and 3 more"),
        "{message}"
    );
}

#[test]
fn a_transposed_weight_is_refused() {
    let mut tensors = tensors(&golden(GOLDEN));
    tensors
        .get_mut("classifier.6.weight")
        .expect("there")
        .0
        .reverse();
    let message = refused(&tensors).to_string();
    assert!(
        message.ends_with(
            "; of another shape: classifier.6.weight (expected [10, 16], found [16, 10])"
        ),
        "{message}"
    );
}

#[test]
fn weights_that_are_no_numbers_are_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nan.safetensors");
    let mut tensors = tensors(&golden(GOLDEN));
    tensors.get_mut("features.3.bias").expect("there").1[1] = f32::NAN;
    write(&path, &tensors);
    let (_, report) = network()
        .load_with(&path, &Part::Whole.into())
        .expect("loaded");
    assert_eq!(report.not_finite, ["features.3.bias"]);
    // Where nobody gets the report, it is an error.
    let message = network().load(&path).expect_err("refused").to_string();
    assert!(
        message.contains("not finite; in: features.3.bias"),
        "{message}"
    );
    let (_, report) = network()
        .load_with(golden(GOLDEN), &Part::Whole.into())
        .expect("loaded");
    assert!(report.not_finite.is_empty());
}

#[test]
fn the_same_network_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("again.safetensors");
    let entries: Vec<(String, String)> = (0..20)
        .map(|number| (format!("entry {number}"), format!("\"{number}\"")))
        .collect();
    let entries: Vec<_> = entries
        .iter()
        .map(|(key, text)| (key.as_str(), text.clone()))
        .collect();
    for precision in [Precision::F32, Precision::F16] {
        let mut files = Vec::new();
        for _ in 0..5 {
            let network = network().load(golden(GOLDEN)).expect("loaded");
            network.save(&path, precision, &entries).expect("saved");
            files.push(std::fs::read(&path).expect("read"));
        }
        assert!(files.iter().all(|file| *file == files[0]));
        safetensors::SafeTensors::deserialize(&files[0]).expect("safetensors");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("a folder")
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn a_number_that_16_bits_cannot_hold_is_not_saved_as_infinite() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("large.safetensors");
    let mut tensors = tensors(&golden(GOLDEN));
    tensors.get_mut("features.3.bias").expect("there").1[1] = -70_000.0;
    write(&path, &tensors);
    let network = network().load(&path).expect("finite");
    let half = folder.path().join("half.safetensors");
    let message = network
        .save(&half, Precision::F16, &[])
        .expect_err("too large")
        .to_string();
    assert!(
        message.contains("-70000 does not fit into 16 bits"),
        "{message}"
    );
    assert!(!half.exists());
    network.save(&half, Precision::F32, &[]).expect("saved");
}

/// The message of loading a file called `name` with these `bytes`.
fn broken(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("written");
    let message = network().load(&path).expect_err("refused").to_string();
    assert!(message.contains(name), "{message}");
    message
}

#[test]
fn a_truncated_file_is_refused() {
    for name in ["zip.pth", "legacy.pth", "timm.safetensors"] {
        let whole = std::fs::read(golden("files").join(name)).expect("a golden file");
        for length in [20, 1000, whole.len() / 2, whole.len() - 1] {
            let message = broken(name, &whole[..length]);
            assert!(
                message.contains("not a ") || message.contains("bytes expected by its header"),
                "{name} of {length} bytes: {message}"
            );
        }
    }
}

#[test]
fn a_text_file_is_no_weights() {
    let text = b"<!DOCTYPE html>\n<html>not found</html>\n";
    assert!(broken("vgg16.pth", text).contains("not a PyTorch file: "));
    assert!(broken("vgg16.safetensors", text).contains("not a safetensors file: "));
    assert!(broken("empty.pth", b"").contains("not a PyTorch file: "));
}

#[test]
fn code_in_a_pickle_is_not_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trace = folder.path().join("trace");
    // posix.system("touch …"), which Python's pickle would run.
    let call = |protocol: &[u8]| {
        let mut bytes = protocol.to_vec();
        write!(bytes, "cposix\nsystem\n(S'touch {}'\ntR.", trace.display()).expect("in memory");
        bytes
    };
    let message = broken("code.pth", &call(b"\x80\x02"));
    assert!(message.contains("not a PyTorch file: "), "{message}");
    let message = broken("code.pth", &archive(&call(b"\x80\x02")));
    assert!(message.contains("not a PyTorch file: "), "{message}");
    assert!(!Path::new(&trace).exists());
}

/// A file of `torch.save` with this pickle and no tensors.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut writer = zip::ZipWriter::new(&mut bytes);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    writer
        .start_file("archive/data.pkl", options)
        .expect("started");
    writer.write_all(pickle).expect("written");
    writer.finish().expect("finished");
    bytes.into_inner()
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_unpacked() {
    let bomb = archive(&vec![0; 200 << 20]);
    assert!(bomb.len() < 1 << 20);
    let message = broken("bomb.pth", &bomb);
    assert!(message.contains("not a PyTorch file: "), "{message}");
    assert!(message.contains("209715200"), "{message}");
}

#[test]
#[cfg(feature = "train")]
fn weights_of_another_tool_make_a_classifier_of_imagenet() {
    use vgg::Classifier;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("imagenet.safetensors");
    let config = VggConfig::named("vgg11")
        .expect("known")
        .with_width(1.0 / 64.0);
    let network = config.init(&Device::flex()).expect("valid");
    network.save(&path, Precision::F32, &[]).expect("saved");
    let (classifier, _) = Classifier::from_weights(network, &path).expect("1,000 classes");
    let picture = golden("images/landscape.png");
    let answer = classifier.classify(&picture).expect("a picture");
    let probabilities = answer.probabilities();
    assert_eq!(probabilities.len(), 1000);
    assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    // From its bytes, and at once with another one.
    let bytes = std::fs::read(&picture).expect("read");
    assert_eq!(classifier.classify(&bytes).expect("a picture"), answer);
    let pixels = classifier.preprocessing().read(&picture).expect("read");
    let both = classifier.classify_pixels(&pixels.repeat(2)).expect("fits");
    assert_eq!(both.len(), 2);
    for other in &both {
        assert_eq!(other.top(1)[0].index, answer.top(1)[0].index);
    }
    let error = classifier
        .classify("no such file.png")
        .expect_err("not there");
    assert!(error.to_string().contains("no such file.png"), "{error}");

    let error = Classifier::from_weights(self::network(), golden("files/zip.pth"));
    let message = error.expect_err("ten classes").to_string();
    assert!(message.contains("1000 names for 10 classes"), "{message}");
}

#[test]
#[cfg(feature = "train")]
fn an_answer_that_is_no_number_is_an_error() {
    use vgg::data::{Fit, Normalization, Preprocessing};
    use vgg::{Classifier, ClassifyError};

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("classifier.safetensors");
    let preprocessing = Preprocessing {
        shape: [3, 32, 32],
        fit: Fit::Cover,
        normalization: Normalization::new(vec![0.5; 3], vec![0.5; 3]),
        ..Preprocessing::imagenet()
    };
    let classes: Vec<_> = (0..10).map(|class| format!("\u{1b}[3{class}m")).collect();
    let made = |path: &Path| {
        let (network, _) = network()
            .load_with(path, &Part::Whole.into())
            .expect("loaded");
        Classifier::new(network, classes.clone(), preprocessing.clone()).expect("fits")
    };
    for (value, image) in [(f32::NAN, 0), (f32::INFINITY, 0), (f32::NEG_INFINITY, 0)] {
        let mut tensors = tensors(&golden(GOLDEN));
        tensors.get_mut("classifier.6.bias").expect("there").1[3] = value;
        write(&path, &tensors);
        let answer = made(&path).classify_pixels(&vec![7; 2 * 3 * 32 * 32]);
        let found = match answer.expect_err("no number") {
            ClassifyError::NotFinite { image } => image,
            other => panic!("{other}"),
        };
        assert_eq!(found, image);
        // Such a network is not loaded as a classifier at all.
        made(&path).save(&path, Precision::F32).expect("saved");
        let message = Classifier::from_file(&path, &Device::flex()).expect_err("refused");
        assert!(
            message
                .to_string()
                .contains("not finite; in: classifier.6.bias"),
            "{message}"
        );
    }

    // Finite weights may lead there, too.
    let mut tensors = tensors(&golden(GOLDEN));
    tensors
        .get_mut("classifier.6.weight")
        .expect("there")
        .1
        .fill(f32::MAX);
    write(&path, &tensors);
    made(&path)
        .classify_pixels(&vec![7; 3 * 32 * 32])
        .expect_err("infinite");

    // Names are shown as they are.
    let own = Classifier::new(network(), classes.clone(), preprocessing.clone()).expect("fits");
    own.save(&path, Precision::F32).expect("saved");
    let again = Classifier::from_file(&path, &Device::flex()).expect("loaded");
    assert_eq!(again.classes()[3], "\u{fffd}[33m");

    // And what a file says about images is held against the network.
    let mut huge = preprocessing;
    huge.shape = [3, 1 << 20, 1 << 20];
    let entries = [
        ("vgg.classes", serde_json::to_string(&classes)),
        ("vgg.preprocessing", serde_json::to_string(&huge)),
    ];
    let entries = entries.map(|(key, value)| (key, value.expect("serialised")));
    let saved = own.network().save(&path, Precision::F32, &entries);
    saved.expect("saved");
    let message = Classifier::from_file(&path, &Device::flex())
        .expect_err("refused")
        .to_string();
    assert!(
        message.contains("a height of 1048576 pixels; the most is 4096"),
        "{message}"
    );
}
