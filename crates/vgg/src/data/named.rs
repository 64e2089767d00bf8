//! Data by name.

use std::path::{Path, PathBuf};

use super::error::DataError;
use super::fashion_mnist::{DOWNLOAD_ADDRESS, fashion_mnist};
use super::folder::{self, FolderOptions};
use super::image::Fit;
use super::image_data::ImageData;
use super::{cifar10, idx};
use crate::fetch::{Progress, cache_folder};

/// The names that [`load`] does not take for folders.
const NAMES: [&str; 4] = ["embedded", "fashion-mnist", "mnist", "cifar10"];

/// How data is loaded.
#[derive(Debug, Clone)]
pub struct DataOptions {
    /// Channels, height and width that the images of a folder are brought to. IDX files and
    /// CIFAR-10 have their own.
    pub shape: [usize; 3],
    /// Leave out images of a folder that cannot be used.
    pub skip_broken: bool,
    /// Leave the images of a folder in their files, from which a training reads them ahead of its steps, instead of
    /// holding the pixels of all. Done in any case where these are more than 4 GiB.
    pub stream: bool,
    /// Use at most so many training images, and as many test images, spread over the set.
    pub limit: Option<usize>,
}

/// The data called `name`:
///
/// - `embedded`: the shipped part of Fashion-MNIST (with feature `embedded`);
/// - `fashion-mnist`: all of it, downloaded if it is nowhere to be found;
/// - `mnist`, `cifar10`: from the folder of that name in [`cache_folder`];
/// - anything else is a folder: with IDX files, with CIFAR-10's binary files, or with one folder
///   of images a class.
///
/// `progress` is called while a file arrives. Of a folder whose images stay in their files an index is kept in
/// [`cache_folder`], by which the next start finds them at once, unless a folder has changed.
///
/// # Errors
/// Data that is not there or not whole.
pub fn load(name: &str, options: &DataOptions, progress: Progress) -> Result<ImageData, DataError> {
    let mut data = match name {
        "embedded" => embedded()?.with_fit(Fit::Object),
        "fashion-mnist" => {
            fashion_mnist(&cache_folder(), DOWNLOAD_ADDRESS, progress)?.with_fit(Fit::Object)
        }
        "mnist" => mnist(&cached(
            "MNIST",
            "mnist",
            "put train-images-idx3-ubyte.gz and the three other files of \
             https://ossci-datasets.s3.amazonaws.com/mnist there",
        )?)?,
        "cifar10" => cifar10::load(&cached(
            "CIFAR-10",
            "cifar10",
            "unpack https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz and put its .bin \
             files there",
        )?)?,
        _ => from_folder(Path::new(name), options)?,
    };
    data.name = absolute(name)?;
    if let Some(limit) = options.limit {
        data.train = data.train.limited(limit)?;
        data.test = data.test.limited(limit)?;
    }
    Ok(data)
}

impl ImageData {
    /// The pictures of a folder with one folder a class, brought to `shape` (channels, height, width): see
    /// [`load`], which also limits their number and leaves out broken ones.
    ///
    /// # Errors
    /// A folder without such pictures, or with one that cannot be read.
    pub fn from_folder(path: impl AsRef<Path>, shape: [usize; 3]) -> Result<Self, DataError> {
        let path = path.as_ref();
        let images = FolderOptions {
            shape,
            skip_broken: false,
            stream: false,
        };
        let data = folder::load(path, images, &cache_folder())?;
        let name = absolute(&path.to_string_lossy())?;
        Ok(Self { name, ..data })
    }
}

/// `name` so that [`load`] finds the same data from any working folder: the path of a folder becomes absolute. An error
/// is a folder whose absolute path is not UTF-8, or cannot be told.
fn absolute(name: &str) -> Result<String, DataError> {
    if NAMES.contains(&name) {
        return Ok(name.to_owned());
    }
    let path = Path::new(name);
    let absolute = std::path::absolute(path).map_err(|source| DataError::io(path, source))?;
    absolute.into_os_string().into_string().map_err(|path| {
        let reason = "its path is not UTF-8, and could not be kept with the run".to_owned();
        DataError::Folder {
            path: path.into(),
            reason,
        }
    })
}

#[cfg(feature = "embedded")]
fn embedded() -> Result<ImageData, DataError> {
    super::embedded::load()
}

#[cfg(not(feature = "embedded"))]
fn embedded() -> Result<ImageData, DataError> {
    Err(DataError::Invalid(
        "the shipped images are not compiled in: build with --features embedded".to_owned(),
    ))
}

fn cached(name: &'static str, folder: &str, advice: &str) -> Result<PathBuf, DataError> {
    let path = cache_folder().join(folder);
    if path.is_dir() {
        return Ok(path);
    }
    Err(DataError::NotFound {
        name,
        searched: vec![path],
        advice: advice.to_owned(),
    })
}

fn mnist(folder: &Path) -> Result<ImageData, DataError> {
    Ok(ImageData::new(
        idx::load_part(folder, "train", 10)?,
        idx::load_part(folder, "t10k", 10)?,
        (0..10).map(|digit| digit.to_string()).collect(),
        false,
    )
    .with_fit(Fit::Object))
}

fn from_folder(folder: &Path, options: &DataOptions) -> Result<ImageData, DataError> {
    if idx::is_idx_folder(folder) {
        mnist(folder)
    } else if cifar10::is_cifar10_folder(folder) {
        cifar10::load(folder)
    } else {
        let images = FolderOptions {
            shape: options.shape,
            skip_broken: options.skip_broken,
            stream: options.stream,
        };
        folder::load(folder, images, &cache_folder())
    }
}
