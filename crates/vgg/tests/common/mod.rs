//! Files of tensors that several tests read, and how results are held against them.
#![allow(dead_code)] // each test takes what it needs

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// Shapes and numbers by name.
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A file of scripts/golden.py or scripts/weights.py.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// All tensors of a safetensors file of 32-bit numbers. Counts of batches, which are longer, are left out.
pub fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |view: TensorView| {
        let words = view
            .data()
            .chunks_exact(4)
            .map(|word| word.try_into().expect("four bytes"));
        let values = match view.dtype() {
            Dtype::I32 => words.map(|word| i32::from_le_bytes(word) as f32).collect(),
            Dtype::F32 => words.map(f32::from_le_bytes).collect(),
            other => panic!("{} holds {other:?}", path.display()),
        };
        (view.shape().to_vec(), values)
    };
    let counted = |name: &str| name.ends_with("num_batches_tracked");
    file.iter()
        .filter(|(name, _)| !counted(name))
        .map(|(name, view)| (name.to_owned(), values(view)))
        .collect()
}

/// The tensor `name` with four dimensions.
pub fn input(tensors: &Tensors, name: &str, device: &Device) -> Tensor<4> {
    let (shape, values) = &tensors[name];
    let shape: [usize; 4] = shape[..].try_into().expect("four dimensions");
    Tensor::from_data(TensorData::new(values.clone(), shape), device)
}

/// Writes a safetensors file of `f32`.
pub fn write(path: &Path, tensors: &Tensors) {
    let bytes: BTreeMap<_, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (name, bytes.collect())
        })
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), &bytes[name]);
        (name, view.expect("as many bytes as the shape says"))
    });
    safetensors::serialize_to_file(views, None, path).expect("written");
}

/// The numbers of a tensor.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("floats")
}

/// The largest magnitude.
pub fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The largest difference, relative to the largest expected value.
pub fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // A NaN must not count as small.
    let worst = differences.fold(
        0f32,
        |worst, d| if d > worst || d.is_nan() { d } else { worst },
    );
    worst / largest(expected)
}

/// Every number within 1e-4 of the largest expected value.
#[track_caller]
pub fn assert_close<const D: usize>(what: &str, found: Tensor<D>, expected: &[f32]) {
    const TOLERANCE: f32 = 1e-4;
    let found = values(found);
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = largest(expected);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= TOLERANCE * largest,
            "{what}: {found} at {index}, expected {expected}; largest value {largest:e}"
        );
    }
}
