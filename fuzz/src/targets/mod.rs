//! Everything that reads files from outside.

mod checkpoint;
mod configuration;
mod data;
mod image;
mod weights;

use std::error::Error;

/// Good files, to be changed.
pub type Seeds = Result<Vec<Vec<u8>>, Box<dyn Error>>;

/// Reads a file; an error of it is what a broken file is for.
pub type Read = Box<dyn Fn(&[u8])>;

/// Files of one kind, and what reads them.
pub struct Target {
    pub name: &'static str,
    pub what: &'static str,
    pub seeds: Box<dyn Fn() -> Seeds>,
    pub read: Read,
}

/// All of them.
pub fn all() -> Result<Vec<Target>, Box<dyn Error>> {
    let mut targets = vec![
        weights::safetensors(),
        weights::header(),
        weights::archive(),
        weights::pickle(),
        data::idx(),
        data::gzip(),
        data::cifar10(),
        image::image(),
        configuration::network(),
        configuration::run(),
    ];
    targets.extend(checkpoint::parts()?);
    Ok(targets)
}

/// A folder of its own that is gone at the end, with one file in it, written anew for each input.
pub struct Scratch {
    folder: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The path of the file called `name`, which holds `bytes` now.
    pub fn file(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    }
}
