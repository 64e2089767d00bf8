//! All eight networks at full size against PyTorch, with weights from a formula that
//! scripts/weights.py shares. They take minutes and two gigabytes:
//!
//!     cargo test --release --workspace --test full_size -- --ignored --test-threads 1

#![cfg(all(feature = "flex", feature = "classify"))]

mod common;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use common::{Tensors, difference, golden, tensors, values, write};
use vgg::{Classifier, Precision, Vgg, VggConfig};

/// As in scripts/weights.py.
const TOLERANCE: f32 = 1e-4;

/// `count` numbers in [-1, 1), multiples of 2⁻²³, from a hash of `name` and their index.
fn uniform(name: &str, count: usize) -> impl Iterator<Item = f32> {
    let seed = name.bytes().fold(2_166_136_261u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    });
    (0..count as u32).map(move |index| {
        let mut x = index.wrapping_mul(2_654_435_761).wrapping_add(seed);
        x ^= x >> 16;
        x = x.wrapping_mul(0x7feb_352d);
        x ^= x >> 15;
        (x >> 8) as f32 * 2f32.powi(-23) - 1.0
    })
}

fn weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let values = uniform(name, shape.iter().product());
    if shape.len() > 1 {
        let scale = (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() as f32;
        values.map(|u| u * scale).collect()
    } else if name.ends_with("running_var") {
        values.map(|u| 1.0 + u * 0.5).collect()
    } else if name.ends_with("weight") {
        values.map(|u| 1.0 + u * 0.25).collect()
    } else {
        values.map(|u| u * 0.125).collect()
    }
}

/// The tensors of one of torchvision's networks.
fn formula(config: &VggConfig) -> Tensors {
    let mut shapes: Vec<(String, Vec<usize>)> = Vec::new();
    let mut layer = |module: String, weight: Vec<usize>| {
        shapes.push((format!("{module}.bias"), vec![weight[0]]));
        shapes.push((format!("{module}.weight"), weight));
    };
    let (mut index, mut inputs, mut norms) = (0, 3, Vec::new());
    for block in &config.blocks {
        for _ in 0..block.convolutions {
            layer(
                format!("features.{index}"),
                vec![block.channels, inputs, 3, 3],
            );
            if config.batch_norm {
                norms.push((index + 1, block.channels));
            }
            index += if config.batch_norm { 3 } else { 2 };
            inputs = block.channels;
        }
        index += 1;
    }
    layer("classifier.0".into(), vec![4096, 512 * 7 * 7]);
    layer("classifier.3".into(), vec![4096, 4096]);
    layer("classifier.6".into(), vec![1000, 4096]);
    for (index, channels) in norms {
        for leaf in ["weight", "bias", "running_mean", "running_var"] {
            shapes.push((format!("features.{index}.{leaf}"), vec![channels]));
        }
    }
    let tensors = shapes.into_iter().map(|(name, shape)| {
        let values = weights(&name, &shape);
        (name, (shape, values))
    });
    tensors.collect()
}

fn check(name: &str, sizes: &[(&str, [usize; 2])]) {
    let device = Device::flex();
    let config = VggConfig::named(name).expect("known");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("formula.safetensors");
    write(&path, &formula(&config));
    let network = config
        .init(&device)
        .expect("valid")
        .load(&path)
        .expect("fits");
    let expected = tensors(&golden("full-size.safetensors"));
    for &(key, [height, width]) in sizes {
        let image = uniform("image", 3 * height * width).collect();
        let data = TensorData::new::<f32, _>(image, [1, 3, height, width]);
        let logits = network
            .forward(Tensor::from_data(data, &device))
            .expect("fits");
        let error = difference(&values(logits), &expected[key].1);
        println!("{key}: {error:.1e}");
        assert!(error < TOLERANCE, "{key}: {error:e}");
    }
    if let Some(folder) = export_folder() {
        // For `python3 scripts/weights.py check`.
        let path = folder.join(format!("{name}.safetensors"));
        network.save(&path, Precision::F32, &[]).expect("saved");
        let path = folder.join(format!("{name}.onnx"));
        let exported = network.export_onnx(&path, config.input_size);
        exported.expect("exported");
        answers(&folder, name, &network);
    }
}

fn export_folder() -> Option<PathBuf> {
    std::env::var_os("VGG_EXPORT").map(PathBuf::from)
}

/// Three images and the network's logits of them, for `python3 scripts/check_onnx.py`.
fn answers(folder: &Path, name: &str, network: &Vgg) {
    let config = network.config();
    let [height, width] = config.input_size;
    let shape = [3, config.input_channels, height, width];
    let images: Vec<_> = uniform("images", shape.iter().product()).collect();
    let data = TensorData::new(images.clone(), shape);
    let logits = network.forward(Tensor::from_data(data, &Device::flex()));
    let logits = values(logits.expect("fits"));
    let tensors = [
        ("images".to_owned(), (shape.to_vec(), images)),
        ("logits".to_owned(), (vec![3, config.classes], logits)),
    ];
    write(
        &folder.join(format!("{name}.answers.safetensors")),
        &tensors.into(),
    );
}

#[test]
#[ignore = "for scripts/check_onnx.py"]
fn shipped() {
    let Some(folder) = export_folder() else {
        println!("skipped: VGG_EXPORT names no folder to write to");
        return;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/fashion-mnist.safetensors");
    let shipped = Classifier::from_file(&path, &Device::flex()).expect("the shipped weights");
    let exported = shipped.export_onnx(folder.join("shipped.onnx"));
    exported.expect("exported");
    answers(&folder, "shipped", shipped.network());
}

macro_rules! at_full_size {
    ($($test:ident: $name:literal, $key:literal;)*) => {$(
        #[test]
        #[ignore = "half a gigabyte of weights"]
        fn $test() {
            check($name, &[($key, [224, 224])]);
        }
    )*};
}

at_full_size! {
    vgg11: "vgg11", "vgg11";
    vgg11_bn: "vgg11-bn", "vgg11_bn";
    vgg13: "vgg13", "vgg13";
    vgg13_bn: "vgg13-bn", "vgg13_bn";
    vgg16_bn: "vgg16-bn", "vgg16_bn";
    vgg19: "vgg19", "vgg19";
    vgg19_bn: "vgg19-bn", "vgg19_bn";
}

#[test]
#[ignore = "half a gigabyte of weights"]
fn vgg16_at_two_sizes() {
    check(
        "vgg16",
        &[("vgg16", [224, 224]), ("vgg16.320x256", [320, 256])],
    );
}
