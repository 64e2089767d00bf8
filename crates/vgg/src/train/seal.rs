//! What binds the parts of a checkpoint to each other and to their run: the SHA-256 of each part, and of the
//! settings that they follow from.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::config::RunConfig;
use super::error::TrainError;
use crate::atomic::write_atomically;
use crate::fetch::hexadecimal;

/// The name of its file in a checkpoint's folder.
pub(super) const SEAL: &str = "seal.json";

/// No seal is larger.
const MOST_BYTES: u64 = 1 << 16;

/// The seal of one checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Seal {
    epoch: usize,
    /// [`settings`] of the run.
    settings: String,
    /// SHA-256 of each file, by its name.
    files: BTreeMap<String, String>,
}

/// The SHA-256 of what the numbers of a run follow from. Where it is computed and where its data lie may change
/// between two starts.
pub(super) fn settings(config: &RunConfig) -> Result<String, serde_json::Error> {
    let config = RunConfig {
        backend: String::new(),
        data: String::new(),
        ..config.clone()
    };
    Ok(hexadecimal(&Sha256::digest(known_before(
        &serde_json::to_string(&config)?,
    ))))
}

/// Settings that say nothing do not count, so that runs from before they were there can be resumed.
fn known_before(settings: &str) -> String {
    let later = [
        "accumulate",
        "sync_batch_norm",
        "random_resized_crop",
        "stream",
    ];
    later.iter().fold(settings.to_owned(), |settings, name| {
        settings
            .replace(&format!("\"{name}\":null,"), "")
            .replace(&format!(",\"{name}\":null}}"), "}")
    })
}

impl Seal {
    /// Writes the seal of the files called `names` in `folder`.
    pub(super) fn write(
        folder: &Path,
        epoch: usize,
        settings: &str,
        names: &[&str],
    ) -> Result<(), TrainError> {
        let mut files = BTreeMap::new();
        for &name in names {
            files.insert(name.to_owned(), of_file(&folder.join(name))?);
        }
        let seal = Self {
            epoch,
            settings: settings.to_owned(),
            files,
        };
        let path = folder.join(SEAL);
        let text = serde_json::to_string_pretty(&seal)
            .map_err(|error| TrainError::broken(&path, error))?;
        write_atomically(&path, text.as_bytes()).map_err(|source| TrainError::io(&path, source))
    }

    /// Checks that the checkpoint in `folder` is that behind `epoch` of the run with these
    /// settings, and that the files called `names` are those that were saved with it.
    pub(super) fn check(
        folder: &Path,
        epoch: usize,
        settings: &str,
        names: &[&str],
    ) -> Result<(), TrainError> {
        let path = folder.join(SEAL);
        let wrong = |path: &Path, reason: &str| TrainError::broken(path, reason);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
            .map_err(|source| TrainError::io(&path, source))?;
        let seal: Self =
            serde_json::from_slice(&bytes).map_err(|error| TrainError::broken(&path, error))?;
        if seal.epoch != epoch {
            let reason = format!("it is of epoch {}, expected {epoch}", seal.epoch);
            return Err(wrong(&path, &reason));
        }
        if seal.settings != settings {
            // Most likely the settings were edited: the checkpoint is as good as it was.
            return Err(TrainError::NotResumable {
                path,
                reason: "it was saved by a run with other settings than those in config.json; put these back, or \
                         if they were not changed, delete the folder of this checkpoint to continue from the one \
                         before"
                    .to_owned(),
            });
        }
        for &name in names {
            let file = folder.join(name);
            if seal.files.get(name) != Some(&of_file(&file)?) {
                return Err(wrong(
                    &file,
                    "its contents are not those that were saved with this checkpoint",
                ));
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a regular file.
fn of_file(path: &Path) -> Result<String, TrainError> {
    let error = |source| TrainError::io(path, source);
    if !fs::metadata(path).map_err(error)?.is_file() {
        return Err(TrainError::broken(path, "it is no regular file"));
    }
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path).map_err(error)?, &mut hash).map_err(error)?;
    Ok(hexadecimal(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_say_nothing_do_not_count() {
        let before = r#"{"optimizer":"Sgd","epochs":2}"#;
        let now = r#"{"optimizer":"Sgd","accumulate":null,"sync_batch_norm":null,"epochs":2}"#;
        assert_eq!(known_before(now), before);
        let last = r#"{"optimizer":"Sgd","epochs":2,"stream":null}"#;
        assert_eq!(known_before(last), before);
        let other = r#"{"optimizer":"Sgd","accumulate":2,"sync_batch_norm":null,"epochs":2}"#;
        assert_ne!(known_before(other), before);
    }

    #[test]
    fn another_epoch_run_or_file_breaks_the_seal() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        for (name, contents) in [("a", "one"), ("b", "two")] {
            fs::write(path.join(name), contents).expect("written");
        }
        let names = ["a", "b"];
        Seal::write(path, 3, "settings", &names).expect("written");
        Seal::check(path, 3, "settings", &names).expect("whole");
        let error = |epoch: usize, settings: &str| {
            let error = Seal::check(path, epoch, settings, &names).expect_err("broken");
            error.to_string()
        };
        assert!(error(4, "settings").contains("seal.json: it is of epoch 3, expected 4"));
        assert!(error(3, "others").contains("other settings than those in config.json"));
        fs::write(path.join("a"), "two").expect("written");
        fs::write(path.join("b"), "one").expect("written");
        assert!(error(3, "settings").contains("a: its contents are not those"));
        fs::remove_file(path.join("a")).expect("removed");
        assert!(error(3, "settings").contains("a: "));
        fs::write(path.join(SEAL), "{}").expect("written");
        assert!(error(3, "settings").contains("seal.json: missing field"));
        fs::remove_file(path.join(SEAL)).expect("removed");
        assert!(error(3, "settings").contains("seal.json: "));
    }
}
