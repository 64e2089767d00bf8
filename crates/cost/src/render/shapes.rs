//! Names, shapes and types as words.

use crate::report::TensorSpec;

/// A path to show; the root has a name only here.
pub(crate) fn path_label(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}

/// A shape, such as `1x64x224x224`; a scalar's is `scalar`.
pub(crate) fn shape(dimensions: &[usize]) -> String {
    if dimensions.is_empty() {
        return "scalar".to_owned();
    }
    dimensions
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("x")
}

/// Tensors with their types, such as `1x3x224x224 f32`.
pub(crate) fn specs(tensors: &[TensorSpec]) -> String {
    if tensors.is_empty() {
        return "none".to_owned();
    }
    tensors
        .iter()
        .map(|tensor| format!("{} {}", shape(&tensor.shape), tensor.dtype))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Shapes separated by `;`.
pub(crate) fn shapes<'a>(shapes: impl IntoIterator<Item = &'a Vec<usize>>) -> String {
    shapes
        .into_iter()
        .map(|dimensions| shape(dimensions))
        .collect::<Vec<_>>()
        .join(";")
}

/// The first shape, and how many more there are: a column has no room for all.
pub(crate) fn first_shape(shapes: &[Vec<usize>]) -> String {
    match shapes {
        [] => String::new(),
        [one] => shape(one),
        [first, rest @ ..] => format!("{} +{}", shape(first), rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_in_one_word() {
        assert_eq!(
            shapes(&[vec![1, 64, 224, 224], vec![]]),
            "1x64x224x224;scalar"
        );
        assert_eq!(first_shape(&[vec![1, 2], vec![3], vec![4]]), "1x2 +2");
        assert_eq!(first_shape(&[]), "");
    }
}
