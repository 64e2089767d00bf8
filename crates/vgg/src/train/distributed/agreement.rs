//! Whether all workers were started in the same way.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::GroupError;
use super::group::Group;
use crate::data::{DataError, ImageSet, digest_name};
use crate::fetch::hexadecimal;
use crate::file::read_at_most;
use crate::train::error::TrainError;

/// What all workers must have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::train) struct Footing {
    version: String,
    features: String,
    train: Images,
    test: Images,
    settings: String,
}

/// A set of images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Images {
    count: usize,
    /// SHA-256 of pixels and labels; where the images lie in files, of their names and labels and of what some hold.
    digest: String,
}

/// So many files are read, spread over the set: a million would take as long as an epoch.
const READ: usize = 256;
/// No more bytes of each.
const MOST_BYTES: u64 = 1 << 30;

impl Images {
    fn of(set: &ImageSet) -> Result<Self, DataError> {
        let mut hash = Sha256::new();
        for index in 0..set.len() {
            match set.files() {
                None => hash.update(set.pixels(index)?),
                Some(files) => digest_name(&mut hash, files.name(index)),
            }
            hash.update((set.label(index) as u64).to_le_bytes());
        }
        if let Some(files) = set.files() {
            let count = set.len().min(READ);
            for chosen in 0..count {
                let path = files.path(chosen * set.len() / count);
                let bytes = read_at_most(&path, MOST_BYTES);
                hash.update(bytes.map_err(|source| DataError::io(&path, source))?);
            }
        }
        Ok(Self {
            count: set.len(),
            digest: hexadecimal(&hash.finalize()),
        })
    }
}

/// The first letters tell two apart.
impl fmt::Display for Images {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.digest.get(..12).unwrap_or(&self.digest);
        write!(f, "{} with SHA-256 {start}…", self.count)
    }
}

impl Footing {
    /// That of this worker, whose settings have this digest.
    ///
    /// # Errors
    /// A file of an image that cannot be read.
    pub(in crate::train) fn new(
        settings: &str,
        train: &ImageSet,
        test: &ImageSet,
    ) -> Result<Self, DataError> {
        let features = [
            ("flex", cfg!(feature = "flex")),
            ("ndarray", cfg!(feature = "ndarray")),
            ("wgpu", cfg!(feature = "wgpu")),
            ("vulkan", cfg!(feature = "vulkan")),
            ("cuda", cfg!(feature = "cuda")),
            ("cpu", cfg!(feature = "cpu")),
            ("winograd", cfg!(feature = "winograd")),
            ("fusion", cfg!(feature = "fusion")),
            ("autotune", cfg!(feature = "autotune")),
        ];
        let features = features.into_iter().filter(|(_, on)| *on);
        Ok(Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: features.map(|(name, _)| name).collect::<Vec<_>>().join(","),
            train: Images::of(train)?,
            test: Images::of(test)?,
            settings: settings.to_owned(),
        })
    }

    /// Compares it with those of all others.
    pub(in crate::train) fn agree(&self, group: &dyn Group) -> Result<(), TrainError> {
        let unclear = |error| TrainError::Stopped(format!("what a rank was started with: {error}"));
        let mine = serde_json::to_vec(self).map_err(unclear)?;
        let all = group.gather(mine)?;
        let all: Result<Vec<Self>, _> = all
            .iter()
            .map(|bytes| serde_json::from_slice(bytes))
            .collect();
        let all = all.map_err(unclear)?;
        for (rank, other) in all.iter().enumerate() {
            if let Some((what, here, there)) = difference(&all[0], other) {
                let member = group.member(rank);
                return Err(TrainError::from(GroupError::Disagrees {
                    member,
                    what,
                    here,
                    there,
                }));
            }
        }
        Ok(())
    }
}

/// What differs first, and how.
fn difference(here: &Footing, there: &Footing) -> Option<(&'static str, String, String)> {
    let texts = |footing: &Footing| {
        [
            footing.version.clone(),
            footing.features.clone(),
            footing.train.to_string(),
            footing.test.to_string(),
            footing.settings.clone(),
        ]
    };
    let names = [
        "the version",
        "the features",
        "the training images",
        "the test images",
        "settings with SHA-256",
    ];
    let pairs = names
        .into_iter()
        .zip(texts(here).into_iter().zip(texts(there)));
    pairs
        .map(|(what, (here, there))| (what, here, there))
        .find(|(_, here, there)| here != there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_in_files_are_told_apart_by_names_and_contents() {
        let digest = |name: &str, value: u8| {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let class = folder.path().join("class");
            std::fs::create_dir(&class).expect("created");
            for file in ["a", "b", "c", "d", "e", name] {
                let image = image::GrayImage::from_pixel(8, 8, image::Luma([value]));
                image
                    .save(class.join(file).with_extension("png"))
                    .expect("saved");
            }
            let options = crate::data::DataOptions {
                shape: [1, 8, 8],
                skip_broken: false,
                stream: true,
                limit: None,
            };
            let name = folder.path().to_str().expect("text");
            let data = crate::data::load(name, &options, &mut |_, _| {}).expect("whole");
            [data.train, data.test].map(|set| Images::of(&set).expect("read"))
        };
        assert_eq!(digest("f", 1), digest("f", 1));
        let ([train, test], [train_2, test_2]) = (digest("f", 1), digest("g", 1));
        // The sixth is for the test.
        assert!(train == train_2 && test != test_2);
        assert_ne!(train, digest("f", 2)[0]);
    }

    #[test]
    fn the_first_difference_is_told() {
        let set = |pixel| ImageSet::new([1, 1, 2], vec![pixel, 2, 3, 4], vec![0, 1]).expect("fits");
        let footing =
            |settings, train| Footing::new(settings, &set(train), &set(1)).expect("in memory");
        let mine = footing("abc", 1);
        assert_eq!(difference(&mine, &mine.clone()), None);
        let other = footing("abd", 9);
        let (what, here, there) = difference(&mine, &other).expect("other pixels");
        assert_eq!(what, "the training images");
        assert!(here.starts_with("2 with SHA-256 ") && here != there);
        let other = footing("abd", 1);
        let (what, ..) = difference(&mine, &other).expect("other settings");
        assert_eq!(what, "settings with SHA-256");
    }
}
