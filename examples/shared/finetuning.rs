//! The plan of a fine-tuning, kept in its folder so that it can be resumed.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vgg::train::{RunConfig, RunFolder};

const FILE: &str = "finetune.json";

/// A plan holds two configurations of runs.
const MOST_BYTES: u64 = 32 << 20;

/// What a fine-tuning does, one run behind the other.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    pub stages: Vec<Stage>,
}

/// One run of a fine-tuning. It starts from what came out of the one before.
#[derive(Serialize, Deserialize)]
pub struct Stage {
    /// Its run folder in that of the fine-tuning.
    pub folder: String,
    /// What is said when it begins.
    pub title: String,
    pub config: RunConfig,
}

impl Plan {
    /// The plan of the fine-tuning in `folder`.
    pub fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Err(format!(
                "{}: not the folder of a fine-tuning: it has no {FILE}",
                folder.display()
            )
            .into());
        }
        let error = |error: &dyn Error| format!("{}: {error}", path.display());
        let bytes = vgg::files::read_at_most(&path, MOST_BYTES).map_err(|source| error(&source))?;
        let plan: Self = serde_json::from_slice(&bytes).map_err(|source| error(&source))?;
        for stage in &plan.stages {
            // A name of its own, not a path to somewhere else.
            if Path::new(&stage.folder).file_name() != Some(stage.folder.as_ref()) {
                return Err(
                    error(&std::io::Error::other("a stage's folder has to be a name")).into(),
                );
            }
        }
        Ok(plan)
    }

    /// Keeps it in `folder`, which must not hold one that has begun.
    pub fn write(&self, folder: &Path) -> Result<(), Box<dyn Error>> {
        if self.begun(folder).is_some() {
            return Err(format!(
                "{}: already holds a fine-tuning; choose another folder, or go on with --resume {}",
                folder.display(),
                folder.display()
            )
            .into());
        }
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self)? + "\n";
        vgg::files::write_atomically(&path, text.as_bytes())
            .map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// The last stage that has begun.
    pub fn begun(&self, folder: &Path) -> Option<usize> {
        let is_run = |stage: &Stage| RunFolder::is_run(&stage.path(folder));
        self.stages.iter().rposition(is_run)
    }
}

impl Stage {
    /// The path of its run folder.
    pub fn path(&self, fine_tuning: &Path) -> PathBuf {
        fine_tuning.join(&self.folder)
    }
}
