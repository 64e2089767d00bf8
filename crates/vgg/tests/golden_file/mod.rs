//! Files of golden tensors, and how close to them is close enough.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;

/// Largest difference, relative to the largest value of the tensor.
const TOLERANCE: f32 = 1e-4;

pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.safetensors"))
}

/// All tensors of a file of 32-bit floating-point numbers.
pub fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a golden file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let number = |word: &[u8]| f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
    file.iter()
        .map(|(name, view)| {
            let values = view.data().chunks_exact(4).map(number).collect();
            (name.to_owned(), (view.shape().to_vec(), values))
        })
        .collect()
}

pub fn input(tensors: &Tensors, name: &str, device: &Device) -> Tensor<4> {
    let (shape, values) = &tensors[name];
    let shape: [usize; 4] = shape[..].try_into().expect("four dimensions");
    Tensor::from_data(TensorData::new(values.clone(), shape), device)
}

#[track_caller]
pub fn assert_close<const D: usize>(what: &str, found: Tensor<D>, expected: &[f32]) {
    let found = found.into_data().try_into_vec::<f32>().expect("floats");
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected
        .iter()
        .fold(0f32, |most, value| most.max(value.abs()));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= TOLERANCE * largest,
            "{what}: {found} at {index}, expected {expected}; largest value {largest:e}"
        );
    }
}
