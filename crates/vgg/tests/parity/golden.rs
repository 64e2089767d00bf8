//! The golden files, and how results are held against them.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use vgg::{Precision, Vgg};

use crate::Side;
use crate::common::{Tensors, golden, input, tensors};

pub(crate) fn path(name: &str) -> PathBuf {
    golden(&format!("{name}.safetensors"))
}

/// The named tensors of a network in torchvision's naming and layout.
pub(crate) fn own(network: &Vgg) -> Tensors {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("own.safetensors");
    network.save(&path, Precision::F32, &[]).expect("saved");
    tensors(&path)
}

impl Side {
    #[track_caller]
    pub(crate) fn assert_close(self, what: &str, found: &[f32], expected: &[f32], scale: f32) {
        assert_eq!(found.len(), expected.len(), "{}: {what}", self.backend);
        let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        // `max` passes over a NaN.
        assert!(found.iter().all(|value| value.is_finite()), "{what}");
        let difference = differences.fold(0.0, f32::max);
        assert!(
            difference <= self.tolerance * scale,
            "{}: {what}: differs by {difference:e}, largest value {scale:e}",
            self.backend
        );
    }
}

pub(crate) fn images(expected: &Tensors, device: &Device) -> Tensor<4> {
    match expected.contains_key("images") {
        true => input(expected, "images", device),
        false => waves(device),
    }
}

/// The image of 224×224 that scripts/golden.py computes instead of storing it.
fn waves(device: &Device) -> Tensor<4> {
    let plane = |value: &dyn Fn(f32, f32) -> f32| -> Vec<f32> {
        let pixel = |index: usize| value((index % 224) as f32, (index / 224) as f32);
        (0..224 * 224).map(pixel).collect()
    };
    let planes = [
        plane(&|x, _| (0.1 * x).sin()),
        plane(&|_, y| (0.07 * y).sin()),
        plane(&|x, y| 0.01 * (x - y)),
    ];
    Tensor::from_data(TensorData::new(planes.concat(), [1, 3, 224, 224]), device)
}
