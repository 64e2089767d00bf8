//! The golden files, and how results are held against them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use vgg::{Precision, Vgg};

use crate::Side;

pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.safetensors"))
}

pub(crate) fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a golden file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |view: safetensors::tensor::TensorView| {
        let words = view
            .data()
            .chunks_exact(4)
            .map(|word| [word[0], word[1], word[2], word[3]]);
        let values = match view.dtype() {
            Dtype::I32 => words.map(|word| i32::from_le_bytes(word) as f32).collect(),
            Dtype::F32 => words.map(f32::from_le_bytes).collect(),
            other => panic!("a golden file with {other:?}"),
        };
        (view.shape().to_vec(), values)
    };
    file.iter()
        .map(|(name, view)| (name.to_owned(), values(view)))
        .collect()
}

/// The named tensors of a network in torchvision's naming and layout.
pub(crate) fn own(network: &Vgg) -> Tensors {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("own.safetensors");
    network.save(&path, Precision::F32, &[]).expect("saved");
    tensors(&path)
}

pub(crate) fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
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

pub(crate) fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

pub(crate) fn images(expected: &Tensors, device: &Device) -> Tensor<4> {
    let Some((shape, values)) = expected.get("images") else {
        return waves(device);
    };
    let shape: [usize; 4] = shape[..].try_into().expect("four dimensions");
    Tensor::from_data(TensorData::new(values.clone(), shape), device)
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
