//! What several tests read and compare.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
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

/// All tensors of a safetensors file of `f32`.
pub fn tensors(path: &Path) -> Tensors {
    let bytes = std::fs::read(path).expect("a file");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let values = |view: TensorView| {
        let words = view.data().chunks_exact(4);
        let values = words.map(|word| f32::from_le_bytes(word.try_into().expect("four bytes")));
        (view.shape().to_vec(), values.collect())
    };
    let tensors = file.iter().filter(|(_, view)| view.dtype() == Dtype::F32);
    tensors
        .map(|(name, view)| (name.to_owned(), values(view)))
        .collect()
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

/// The largest difference, relative to the largest expected value.
pub fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected
        .iter()
        .fold(0f32, |most, value| most.max(value.abs()));
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // A NaN must not count as small.
    let worst = differences.fold(
        0f32,
        |worst, d| if d > worst || d.is_nan() { d } else { worst },
    );
    worst / largest
}
