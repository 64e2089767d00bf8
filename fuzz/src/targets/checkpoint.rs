//! The parts of a checkpoint, sealed again so that they are read.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use sha2::{Digest, Sha256};
use vgg::VggConfig;
use vgg::data::{ImageData, ImageSet};
use vgg::train::{RunConfig, RunFolder, Watch, train};

use super::configuration::run_config;
use super::{Scratch, Target};

/// A run of two epochs, whose newest checkpoint is changed.
struct Run {
    folder: Scratch,
    config: RunConfig,
}

const NEWEST: &str = "run/checkpoints/epoch-2";

impl Run {
    fn new() -> Result<Self, Box<dyn Error>> {
        let folder = Scratch::new();
        let network = VggConfig::named("vgg16-bn-28")?
            .with_width(0.02)
            .with_hidden(vec![64]);
        let config = run_config(network);
        let run = RunFolder::create(&folder.path().join("run"), &config)?;
        train(&run, &config, images()?, &Device::flex(), Watch::none())?;
        Ok(Self { folder, config })
    }

    fn part(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(NEWEST).join(name)
    }

    /// Goes on with `bytes` in the place of the part called `name`.
    fn go_on(&self, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let path = self.part(name);
        let kept = fs::read(&path)?;
        fs::write(&path, bytes)?;
        let result = seal(&self.part("seal.json"), name, bytes)
            .and_then(|()| self.resume())
            .map_err(|error| error.to_string());
        fs::write(&path, &kept)?;
        seal(&self.part("seal.json"), name, &kept)?;
        Ok(result?)
    }

    fn resume(&self) -> Result<(), Box<dyn Error>> {
        let (run, _) = RunFolder::resume(&self.folder.path().join("run"))?;
        train(
            &run,
            &self.config,
            images()?,
            &Device::flex(),
            Watch::none(),
        )?;
        Ok(())
    }
}

/// Binds the part to its new contents.
fn seal(path: &Path, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut seal: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    seal["files"][name] = digits.into();
    Ok(fs::write(path, serde_json::to_vec(&seal)?)?)
}

fn images() -> Result<ImageData, Box<dyn Error>> {
    let set = || {
        let pixels = (0..20 * 784).map(|at| at as u8).collect();
        let labels = (0..20).map(|label| label % 10).collect();
        ImageSet::new([1, 28, 28], pixels, labels)
    };
    let classes = (0..10).map(|class| class.to_string()).collect();
    Ok(ImageData::new(set()?, set()?, classes, false))
}

/// A target for each part.
pub fn parts() -> Result<Vec<Target>, Box<dyn Error>> {
    let run = Arc::new(Run::new()?);
    let part = |name: &'static str, file: &'static str| {
        let (run, seeds) = (Arc::clone(&run), Arc::clone(&run));
        Target {
            name,
            what: "a part of a checkpoint, its checksum put right",
            seeds: Box::new(move || Ok(vec![fs::read(seeds.part(file))?])),
            read: Box::new(move |bytes| {
                let _ = run.go_on(file, bytes);
            }),
        }
    };
    Ok(vec![
        part("model", "model.bpk"),
        part("optimizer", "optimizer.bpk"),
        part("schedule", "schedule.bpk"),
        part("metrics", "metrics.csv"),
    ])
}
