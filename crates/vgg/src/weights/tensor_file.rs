//! A file of named tensors, whatever its format: names and shapes at once, numbers one tensor at
//! a time, so that no more than one is held beside the network.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::tensor::{Bytes, DType, TensorData};
use safetensors::tensor::Dtype;

use super::error::WeightsError;
use super::header::WeightsHeader;
#[cfg(feature = "pytorch")]
use super::pytorch;
use super::sets::Sets;
use crate::file::open_file;
use crate::source::Source;

/// One tensor of a file.
pub(super) struct Entry {
    /// How it is laid out in the file, first dimension outermost.
    pub(super) shape: Vec<usize>,
    /// The numbers' type; `None` for one that no weight has.
    dtype: Option<DType>,
    place: Place,
}

/// Where the numbers of a tensor are.
enum Place {
    /// Bytes of a safetensors file.
    Bytes { start: u64, length: usize },
    #[cfg(feature = "pytorch")]
    Pytorch(pytorch_reader::Tensor),
}

/// An open file of weights.
pub(super) struct TensorFile<'a> {
    path: PathBuf,
    contents: Contents<'a>,
    pub(super) entries: BTreeMap<String, Entry>,
}

enum Contents<'a> {
    File(File),
    Memory(&'a [u8]),
    /// Each entry reads its own bytes.
    #[cfg(feature = "pytorch")]
    Entries,
}

impl<'a> TensorFile<'a> {
    /// Opens a safetensors file, or with feature `pytorch` a file of `torch.save`. What it is
    /// shows in its first bytes.
    pub(super) fn open(source: &'a Source<'_>) -> Result<Self, WeightsError> {
        let path = match source {
            Source::Path(path) => &**path,
            Source::Memory { name, bytes } => {
                let header = WeightsHeader::read(source)?;
                return Self::safetensors(name, &header, Contents::Memory(bytes));
            }
        };
        let mut file = open_file(path).map_err(|source| WeightsError::io(path, source))?;
        let mut start = Vec::new();
        (&mut file)
            .take(16)
            .read_to_end(&mut start)
            .map_err(|source| WeightsError::io(path, source))?;
        if is_pytorch(path, &start) {
            return pytorch(path);
        }
        let header = WeightsHeader::read(path)?;
        Self::safetensors(path, &header, Contents::File(file))
    }

    fn safetensors(
        path: &Path,
        header: &WeightsHeader,
        contents: Contents<'a>,
    ) -> Result<Self, WeightsError> {
        let mut entries = BTreeMap::new();
        for (name, info) in header.tensors() {
            let (start, end) = info.data_offsets;
            let dtype = match info.dtype {
                Dtype::F64 => Some(DType::F64),
                Dtype::F32 => Some(DType::F32),
                Dtype::F16 => Some(DType::F16),
                Dtype::BF16 => Some(DType::BF16),
                _ => None,
            };
            let entry = Entry {
                shape: info.shape.clone(),
                dtype,
                place: Place::Bytes {
                    start: header.data_start() + start as u64,
                    length: end.saturating_sub(start),
                },
            };
            entries.insert(name, entry);
        }
        Ok(Self {
            path: path.to_owned(),
            contents,
            entries,
        })
    }

    /// For messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the weights behind the key that `wanted` names, or else of one set of them, by their names without
    /// what stands in front: the key, and those of the sets that are left out.
    pub(super) fn choose(
        &mut self,
        wanted: Option<&str>,
    ) -> Result<(String, Vec<String>), WeightsError> {
        let sets = Sets::of(self.entries.keys().map(String::as_str));
        let Some(key) = sets.choose(wanted) else {
            return match wanted {
                // Weights of something else, whose names are listed as unexpected.
                None => Ok(Default::default()),
                Some(wanted) => Err(WeightsError::NoKey {
                    path: self.path.clone(),
                    key: wanted.to_owned(),
                    known: sets.keys().map(str::to_owned).collect(),
                }),
            };
        };
        self.entries = std::mem::take(&mut self.entries)
            .into_iter()
            .filter_map(|(name, entry)| Some((sets.name_in(key, &name)?, entry)))
            .collect();
        let others = sets.keys().filter(|other| *other != key);
        Ok((key.to_owned(), others.map(str::to_owned).collect()))
    }

    /// The numbers of the tensor `name` as `f32`, in the file's shape; the tensor is taken out.
    pub(super) fn take(&mut self, name: &str) -> Result<TensorData, WeightsError> {
        let broken = |reason: String| WeightsError::store(&self.path, format!("{name}: {reason}"));
        let entry = self
            .entries
            .remove(name)
            .ok_or_else(|| broken("it is not there".to_owned()))?;
        let dtype = entry
            .dtype
            .ok_or_else(|| broken("its numbers are no floating-point numbers".to_owned()))?;
        let bytes = match entry.place {
            Place::Bytes { start, length } => {
                let bytes = self.contents.bytes(start, length);
                bytes.map_err(|source| WeightsError::io(&self.path, source))?
            }
            #[cfg(feature = "pytorch")]
            Place::Pytorch(tensor) => {
                Cow::Owned(tensor.read().map_err(|error| broken(error.to_string()))?)
            }
        };
        let expected = entry.shape.iter().product::<usize>() * dtype.size();
        if bytes.len() != expected {
            return Err(broken(format!(
                "{expected} bytes expected by its shape, found {}",
                bytes.len()
            )));
        }
        let bytes = aligned(bytes.into_owned());
        Ok(TensorData::from_bytes(bytes, entry.shape, dtype).convert::<f32>())
    }
}

/// Tensors of so many bytes are not copied: every allocator puts those at an address that fits any number.
const LARGE: usize = 1 << 20;

/// The bytes as a tensor has them. [`Bytes::from_bytes_vec`] copies every vector of bytes, as its type
/// promises no alignment, and one layer of vgg16 has 411 MB.
fn aligned(bytes: Vec<u8>) -> Bytes {
    let fits = bytes.len() >= LARGE && bytes.as_ptr().cast::<f64>().is_aligned();
    match fits {
        true => Bytes::from_elems(bytes),
        false => Bytes::from_bytes_vec(bytes),
    }
}

impl Contents<'_> {
    fn bytes(&mut self, start: u64, length: usize) -> std::io::Result<Cow<'_, [u8]>> {
        match self {
            Self::File(file) => {
                file.seek(SeekFrom::Start(start))?;
                let mut bytes = Vec::with_capacity(length);
                file.take(length as u64).read_to_end(&mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
            Self::Memory(bytes) => {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let end = start.saturating_add(length).min(bytes.len());
                Ok(Cow::Borrowed(bytes.get(start..end).unwrap_or_default()))
            }
            #[cfg(feature = "pytorch")]
            Self::Entries => Ok(Cow::Borrowed(&[])),
        }
    }
}

/// `torch.save` writes a ZIP archive, or (before 1.6) pickles, which begin with 0x80. The first
/// bytes of a safetensors file are its header's length and the `{` of the header.
fn is_pytorch(path: &Path, start: &[u8]) -> bool {
    let named = path
        .extension()
        .is_some_and(|extension| ["pth", "pt", "bin"].iter().any(|known| extension == *known));
    let safetensors = start.get(8) == Some(&b'{');
    let pytorch = start.starts_with(b"PK") || start.first() == Some(&0x80);
    !safetensors && (named || pytorch)
}

#[cfg(feature = "pytorch")]
fn pytorch<'a>(path: &Path) -> Result<TensorFile<'a>, WeightsError> {
    let entries = pytorch::tensors(path)?.into_iter().map(|(name, tensor)| {
        let entry = Entry {
            shape: tensor.shape().to_vec(),
            dtype: pytorch::float(&tensor),
            place: Place::Pytorch(tensor),
        };
        (name, entry)
    });
    Ok(TensorFile {
        path: path.to_owned(),
        contents: Contents::Entries,
        entries: entries.collect(),
    })
}

#[cfg(not(feature = "pytorch"))]
fn pytorch<'a>(path: &Path) -> Result<TensorFile<'a>, WeightsError> {
    Err(WeightsError::Format {
        path: path.to_owned(),
        format: "safetensors",
        reason: "it seems to be of torch.save: build with feature `pytorch` to read it".to_owned(),
    })
}
