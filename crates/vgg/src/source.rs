//! Where the bytes of a file come from.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// A file: on disk, or whole in memory. Everything that reads a picture or weights takes what becomes one: a path
/// as `&str`, `&Path` or `PathBuf`, or bytes.
///
/// ```
/// use vgg::Source;
///
/// assert_eq!(Source::from("cat.jpg").name().to_str(), Some("cat.jpg"));
/// let bytes: &[u8] = &[0xff, 0xd8];
/// assert_eq!(Source::from(bytes).name().to_str(), Some("(in memory)"));
/// assert_eq!(Source::named("cat.jpg", bytes).name().to_str(), Some("cat.jpg"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source<'a> {
    /// The file of this path.
    Path(Cow<'a, Path>),
    /// A file's bytes.
    Memory {
        /// What messages call it.
        name: Cow<'a, Path>,
        /// All of them.
        bytes: Cow<'a, [u8]>,
    },
}

impl<'a> Source<'a> {
    /// Bytes that messages call `name`.
    pub fn named(name: &'a (impl AsRef<Path> + ?Sized), bytes: &'a [u8]) -> Self {
        Self::Memory {
            name: Cow::Borrowed(name.as_ref()),
            bytes: Cow::Borrowed(bytes),
        }
    }

    /// What messages call it: its path, where it has one.
    pub fn name(&self) -> &Path {
        match self {
            Self::Path(path) => path,
            Self::Memory { name, .. } => name,
        }
    }
}

impl<'a> From<&'a Path> for Source<'a> {
    fn from(path: &'a Path) -> Self {
        Self::Path(Cow::Borrowed(path))
    }
}

impl<'a> From<&'a PathBuf> for Source<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::from(path.as_path())
    }
}

impl From<PathBuf> for Source<'_> {
    fn from(path: PathBuf) -> Self {
        Self::Path(Cow::Owned(path))
    }
}

impl<'a> From<&'a str> for Source<'a> {
    fn from(path: &'a str) -> Self {
        Self::from(Path::new(path))
    }
}

impl<'a> From<&'a String> for Source<'a> {
    fn from(path: &'a String) -> Self {
        Self::from(path.as_str())
    }
}

impl From<String> for Source<'_> {
    fn from(path: String) -> Self {
        Self::from(PathBuf::from(path))
    }
}

impl<'a> From<&'a [u8]> for Source<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::named("(in memory)", bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Source<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Source<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl<'a> From<&'a Source<'_>> for Source<'a> {
    fn from(source: &'a Source<'_>) -> Self {
        match source {
            Source::Path(path) => Self::from(&**path),
            Source::Memory { name, bytes } => Self::named(&**name, bytes),
        }
    }
}
