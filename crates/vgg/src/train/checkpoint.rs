//! Checkpoints: folders `checkpoints/epoch-N` that hold everything a run needs to go on behind
//! epoch N, and that appear whole or not at all.
//!
//! burn-train saves model, optimizer and learning-rate schedule from three threads. Each writes
//! its file into a hidden folder; whoever comes last adds the figures so far and renames it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Bytes;
use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::error::TrainError;
use super::history::{EpochMetrics, History, from_csv, to_csv};
use super::seal::Seal;
use crate::atomic::{sync_folder, write_atomically};

const FOLDER: &str = "checkpoints";
const METRICS: &str = "metrics.csv";

/// What one of burn-train's three checkpointers saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Model,
    Optimizer,
    Schedule,
}

impl Part {
    pub(super) const ALL: [Part; 3] = [Part::Model, Part::Optimizer, Part::Schedule];

    fn file(self) -> &'static str {
        match self {
            Part::Model => "model.bpk",
            Part::Optimizer => "optimizer.bpk",
            Part::Schedule => "schedule.bpk",
        }
    }
}

/// The files that a seal binds together.
fn sealed() -> [&'static str; 4] {
    let [model, optimizer, schedule] = Part::ALL.map(Part::file);
    [model, optimizer, schedule, METRICS]
}

/// The checkpoints of one run.
pub(super) struct Checkpoints {
    run: PathBuf,
    /// See [`settings`](super::seal::settings).
    settings: String,
    history: History,
    /// The parts of the epoch being saved that are written.
    written: Mutex<Vec<(usize, Part)>>,
    failure: Mutex<Option<TrainError>>,
}

impl Checkpoints {
    pub(super) fn new(run: &Path, settings: String, history: History) -> Arc<Self> {
        Arc::new(Self {
            run: run.to_owned(),
            settings,
            history,
            written: Mutex::default(),
            failure: Mutex::default(),
        })
    }

    /// The error that a checkpointer ran into, with the name of the file. (burn-train passes on
    /// only a text.)
    pub(super) fn take_failure(&self) -> Option<TrainError> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn partial(&self, epoch: usize) -> PathBuf {
        self.run
            .join(FOLDER)
            .join(format!(".epoch-{epoch}.partial"))
    }

    fn save<R: Checkpoint>(&self, part: Part, epoch: usize, record: R) -> Result<(), TrainError> {
        let folder = self.partial(epoch);
        fs::create_dir_all(&folder).map_err(|source| TrainError::io(&folder, source))?;
        let path = folder.join(part.file());
        record
            .save(path.clone())
            .map_err(|error| TrainError::broken(&path, error))?;
        let synced = File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|source| TrainError::io(&path, source))?;

        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push((epoch, part));
        if written.iter().filter(|(other, _)| *other == epoch).count() == Part::ALL.len() {
            written.clear();
            self.commit(epoch)?;
        }
        Ok(())
    }

    fn commit(&self, epoch: usize) -> Result<(), TrainError> {
        let partial = self.partial(epoch);
        let rows: Vec<_> = self
            .history
            .rows()
            .into_iter()
            .filter(|row| row.epoch <= epoch)
            .collect();
        let csv = to_csv(&rows);
        write_file(&partial.join(METRICS), &csv)?;
        Seal::write(&partial, epoch, &self.settings, &sealed())?;
        let folder = path_of(&self.run, epoch);
        fs::rename(&partial, &folder).map_err(|source| TrainError::io(&folder, source))?;
        let parent = self.run.join(FOLDER);
        sync_folder(&parent).map_err(|source| TrainError::io(&parent, source))?;
        write_file(&self.run.join(METRICS), &csv)
    }

    fn delete(&self, epoch: usize) -> Result<(), TrainError> {
        let folder = path_of(&self.run, epoch);
        match fs::remove_dir_all(&folder) {
            // Another of the three threads was faster.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result.map_err(|source| TrainError::io(&folder, source)),
        }
    }

    /// Notes `result`'s error for [`Checkpoints::take_failure`] and translates it for burn-train.
    fn noted<T>(&self, result: Result<T, TrainError>) -> Result<T, CheckpointerError> {
        result.map_err(|error| {
            let text = error.to_string();
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert(error);
            CheckpointerError::Unknown(text)
        })
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), TrainError> {
    write_atomically(path, text.as_bytes()).map_err(|source| TrainError::io(path, source))
}

/// The folder of the checkpoint behind `epoch`.
fn path_of(run: &Path, epoch: usize) -> PathBuf {
    run.join(FOLDER).join(format!("epoch-{epoch}"))
}

/// Saves and loads one part, for burn-train.
pub(super) struct PartCheckpointer {
    pub(super) part: Part,
    pub(super) checkpoints: Arc<Checkpoints>,
}

impl<R: Checkpoint> Checkpointer<R> for PartCheckpointer {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        self.checkpoints
            .noted(self.checkpoints.save(self.part, epoch, record))
    }

    fn delete(&self, epoch: usize) -> Result<(), CheckpointerError> {
        self.checkpoints.noted(self.checkpoints.delete(epoch))
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        let found = Found {
            run: self.checkpoints.run.clone(),
            epoch,
        };
        self.checkpoints.noted(found.part(self.part))
    }
}

/// Gives a part that another worker has loaded, and keeps none itself, for burn-train.
pub(super) struct ReceivedPart(Mutex<Vec<u8>>);

impl ReceivedPart {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(bytes))
    }
}

impl<R: Checkpoint> Checkpointer<R> for ReceivedPart {
    fn save(&self, _: usize, _: R) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn delete(&self, _: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _: usize) -> Result<R, CheckpointerError> {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = Bytes::from_bytes_vec(std::mem::take(&mut *bytes));
        R::checkpoint_from_bytes(bytes).map_err(CheckpointerError::Record)
    }
}

/// A checkpoint on disk.
pub(super) struct Found {
    run: PathBuf,
    pub(super) epoch: usize,
}

impl Found {
    /// The newest checkpoint of a run, if it has one. Removes what a killed run left half-written.
    pub(super) fn newest(run: &Path) -> Result<Option<Self>, TrainError> {
        let folder = run.join(FOLDER);
        if !folder.is_dir() {
            return Ok(None);
        }
        let error = |source| TrainError::io(&folder, source);
        let mut newest = None;
        for entry in fs::read_dir(&folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = entry.file_name();
            if name.to_string_lossy().ends_with(".partial") {
                fs::remove_dir_all(entry.path()).map_err(error)?;
            }
            let epoch = name
                .to_string_lossy()
                .strip_prefix("epoch-")
                .and_then(|n| n.parse().ok());
            newest = newest.max(epoch);
        }
        Ok(newest.map(|epoch| Self {
            run: run.to_owned(),
            epoch,
        }))
    }

    /// Checks that its parts are those that were saved together, by the run with these
    /// [`settings`](super::seal::settings).
    pub(super) fn check(&self, settings: &str) -> Result<(), TrainError> {
        let folder = path_of(&self.run, self.epoch);
        Seal::check(&folder, self.epoch, settings, &sealed()).map_err(|error| match error {
            TrainError::Broken { path, reason } => self.damaged(&path, reason),
            TrainError::Io { path, source } => self.damaged(&path, source),
            error => error,
        })
    }

    /// Loads one part.
    pub(super) fn part<R: Checkpoint>(&self, part: Part) -> Result<R, TrainError> {
        let path = self.path(part);
        R::load(path.clone()).map_err(|error| self.damaged(&path, error))
    }

    /// One part as it lies on the disk.
    pub(super) fn bytes(&self, part: Part) -> Result<Vec<u8>, TrainError> {
        let path = self.path(part);
        fs::read(&path).map_err(|error| self.damaged(&path, error))
    }

    pub(super) fn path(&self, part: Part) -> PathBuf {
        path_of(&self.run, self.epoch).join(part.file())
    }

    /// The figures of the epochs so far.
    pub(super) fn rows(&self) -> Result<Vec<EpochMetrics>, TrainError> {
        let path = path_of(&self.run, self.epoch).join(METRICS);
        let text = fs::read_to_string(&path).map_err(|error| self.damaged(&path, error))?;
        from_csv(&path, &text)
    }

    pub(super) fn damaged(&self, path: &Path, error: impl std::fmt::Display) -> TrainError {
        TrainError::broken(
            path,
            format!(
                "{error}; delete the folder of this damaged checkpoint to continue from the one before"
            ),
        )
    }
}
