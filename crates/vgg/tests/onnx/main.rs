//! Exported files: read back by other means, counted by `cost`, and computed operator by operator.

#![cfg(all(feature = "flex", feature = "cost", feature = "classify"))]

#[path = "../common/mod.rs"]
mod common;
mod file;
mod run;

use std::fs;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Distribution, Tensor};
use common::{difference, values};
use file::{Model, Port};
use vgg::cost::Options;
use vgg::data::Preprocessing;
use vgg::{Classifier, OnnxError, Vgg, VggConfig, cost};

const NAMES: [&str; 8] = [
    "vgg11", "vgg11-bn", "vgg13", "vgg13-bn", "vgg16", "vgg16-bn", "vgg19", "vgg19-bn",
];

fn config(name: &str) -> VggConfig {
    let config = VggConfig::named(name).expect("a known name");
    config.with_width(1.0 / 16.0).with_classes(10)
}

/// A network that has seen images in training, so that its norms' statistics are not those that they begin with.
fn network(config: &VggConfig, size: [usize; 2]) -> Vgg {
    let device = Device::flex().autodiff();
    device.seed(1);
    let network = config.init(&device).expect("valid");
    if config.batch_norm {
        let images = Tensor::from_inner(images(config, 4, size) * 2.0 + 0.5);
        network.forward(images).expect("a step of training");
    }
    network.valid()
}

fn images(config: &VggConfig, batch: usize, [height, width]: [usize; 2]) -> Tensor<4> {
    let shape = [batch, config.input_channels, height, width];
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
}

fn exported(network: &Vgg, size: [usize; 2]) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    network.export_onnx(&path, size).expect("it is written");
    let bytes = fs::read(&path).expect("a file");
    (folder, bytes)
}

/// The largest difference of the model's logits from the network's, relative to the largest logit.
fn error(model: &Model, network: &Vgg, size: [usize; 2], batch: usize) -> f32 {
    let images = images(network.config(), batch, size);
    let expected = network.forward(images.clone()).expect("they fit");
    difference(&values(run::run(model, images)), &values(expected))
}

#[test]
fn a_file_computes_the_networks_logits() {
    let named = NAMES.map(|name| (config(name), [64, 96]));
    let more = [
        // Nothing is left to average.
        (config("vgg11-bn"), [224, 224]),
        (config("vgg16-28"), [28, 28]),
        (config("vgg11-bn-cifar"), [32, 32]),
    ];
    for (config, size) in named.into_iter().chain(more) {
        let network = network(&config, size);
        let model = file::parse(&exported(&network, size).1);
        for batch in [1, 3] {
            let error = error(&model, &network, size, batch);
            assert!(error <= 1e-5, "{config}, batch {batch}: {error:e}");
        }
    }
    let pooled = network(&config("vgg11-bn"), [64, 64]).with_global_pooling(5);
    let pooled = pooled.expect("five classes");
    let model = file::parse(&exported(&pooled, [40, 100]).1);
    let error = error(&model, &pooled, [40, 100], 2);
    assert!(error <= 1e-5, "{error:e}");
}

/// Of a trained network every weight, bias and statistic matters.
#[test]
fn the_shipped_network_with_its_classes_and_preprocessing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/fashion-mnist.safetensors");
    let shipped = Classifier::from_file(&path, &Device::flex()).expect("the shipped weights");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("clothes.onnx");
    shipped.export_onnx(&path).expect("it is written");
    let model = file::parse(&fs::read(&path).expect("a file"));
    let error = error(&model, shipped.network(), [28, 28], 5);
    assert!(error <= 1e-5, "{error:e}");

    let text = |key: &str| model.metadata[key].as_str();
    let read: VggConfig = serde_json::from_str(text("vgg.config")).expect("a configuration");
    assert_eq!(&read, shipped.network().config());
    let read: Vec<String> = serde_json::from_str(text("vgg.classes")).expect("names");
    assert_eq!(read, shipped.classes());
    let read: Preprocessing = serde_json::from_str(text("vgg.preprocessing")).expect("as saved");
    assert_eq!(&read, shipped.preprocessing());
    assert_eq!(model.metadata.len(), 3);
}

#[test]
fn cost_counts_what_it_counts_of_the_network() {
    for name in NAMES {
        let config = config(name);
        let network = network(&config, [64, 64]);
        // At this size the means of the last map are products of matrices, which are no layer of the network.
        let size = [224, 224];
        let (_folder, bytes) = exported(&network, size);
        let model = cost::onnx::Model::from_bytes(&bytes).expect("an ONNX model");
        assert_eq!(model.inputs().collect::<Vec<_>>(), ["images"]);
        let model = model.with_side("batch", 3);
        let found = model.analyse().expect("every operator has a rule");
        let found = found
            .strict_report(&Options::default())
            .expect("all is counted");

        // Folding leaves the network without norms.
        let folded = config.clone().with_batch_norm(false);
        let folded = folded.init(&Device::flex()).expect("valid");
        let expected = cost::analyse(&folded, |network, inputs| {
            let images = inputs.float([3, 3, size[0], size[1]]);
            network.forward(images).expect("they fit")
        });
        let expected = expected.expect("it runs").report(&Options::default());
        assert_eq!(found.total.parameters, expected.total.parameters, "{name}");
        assert_eq!(found.total.work.macs, expected.total.work.macs, "{name}");
        assert_eq!(found.outputs, expected.outputs, "{name}");
    }
}

#[test]
fn operators_and_weights_have_the_papers_names() {
    let config = config("vgg11-bn");
    let (_folder, bytes) = exported(&network(&config, [64, 64]), [96, 64]);
    let model = file::parse(&bytes);
    assert_eq!((model.ir_version, model.opset), (7, 13));
    let port = |name: &str, sides: &[&str]| Port {
        name: name.to_owned(),
        sides: sides.iter().map(|&side| side.to_owned()).collect(),
    };
    assert_eq!(model.input, port("images", &["batch", "3", "96", "64"]));
    assert_eq!(model.output, port("logits", &["batch", "10"]));
    let names: Vec<_> = model.nodes.iter().map(|node| node.name.as_str()).collect();
    let expected = "conv1_1 relu1_1 pool1 conv2_1 relu2_1 pool2 conv3_1 relu3_1 conv3_2 relu3_2 pool3 \
                    conv4_1 relu4_1 conv4_2 relu4_2 pool4 conv5_1 relu5_1 conv5_2 relu5_2 pool5 \
                    average_rows average flatten fc6 relu6 fc7 relu7 fc8";
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    // What an operator puts out is called as it is, so that it can be asked for.
    let renamed = model.nodes.iter().filter(|node| node.output != node.name);
    let renamed: Vec<_> = renamed.map(|node| node.output.as_str()).collect();
    assert_eq!(renamed, ["logits"]);
    let shape = |name: &str| model.weights[name].0.as_slice();
    assert_eq!(shape("conv3_2.weight"), [16, 16, 3, 3]);
    assert_eq!(shape("conv3_2.bias"), [16]);
    assert_eq!(shape("fc6.weight"), [256, 7 * 7 * 32]);
    assert_eq!(shape("average.rows"), [7, 3]);
    assert_eq!(shape("average.columns"), [2, 7]);
}

#[test]
fn the_same_network_gives_the_same_bytes() {
    let network = network(&config("vgg16-bn-28"), [28, 28]);
    assert_eq!(
        exported(&network, [28, 28]).1,
        exported(&network, [28, 28]).1
    );
    // On an autodiff device, too.
    let device = Device::flex().autodiff();
    let tracked = network.clone().to_device(&device);
    assert_eq!(
        exported(&tracked, [28, 28]).1,
        exported(&network, [28, 28]).1
    );
}

#[test]
fn images_that_the_network_does_not_take() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    let network = network(&config("vgg16-28"), [28, 28]);
    for (size, expected) in [
        ([64, 64], "the linear layers take the 1×1 feature map"),
        (
            [28, 8],
            "a model for images of 28×8 pixels: an input of 28×8 pixels does not survive",
        ),
    ] {
        let error = network.export_onnx(&path, size).expect_err("refused");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(error, OnnxError::Input { .. }));
    }
    assert!(!path.exists());
}

#[test]
fn weights_that_are_no_numbers_leave_the_old_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    fs::write(&path, "old").expect("written");
    for value in [f32::NAN, f32::INFINITY] {
        let mut network = network(&config("vgg16-28"), [28, 28]);
        let bias = network.output.bias.take().expect("a bias").val();
        network.output.bias = Some(Param::from_tensor(bias * 0.0 + value));
        let error = network.export_onnx(&path, [28, 28]).expect_err("refused");
        let expected = "model.onnx: not written, as numbers in fc7.bias are not finite";
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}

/// Nothing is drawn or read for it.
#[test]
fn a_model_of_more_than_two_gibibytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    let config = VggConfig::named("vgg19")
        .expect("a known name")
        .with_width(2.0);
    let network = config.init(&Device::flex()).expect("valid");
    let error = network
        .export_onnx(&path, [224, 224])
        .expect_err("too large");
    assert!(!path.exists());
    match error {
        OnnxError::TooLarge { bytes, most, .. } => {
            assert!(u128::from(bytes) > 4 * config.parameter_count() && bytes > most);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn files_that_cannot_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let network = network(&config("vgg16-28"), [28, 28]);
    // A missing folder is made.
    let missing = folder.path().join("a/b/model.onnx");
    network
        .export_onnx(&missing, [28, 28])
        .expect("it is written");
    for (path, expected) in [
        (missing.join("model.onnx"), "model.onnx: "),
        (folder.path().to_owned(), "it is a folder, not a file"),
    ] {
        let error = network.export_onnx(&path, [28, 28]).expect_err("refused");
        assert!(matches!(error, OnnxError::Io { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
}
