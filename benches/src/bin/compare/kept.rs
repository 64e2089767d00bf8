//! An outcome as a file.

use std::error::Error;
use std::fmt::Display;
use std::path::Path;

use serde::Deserialize;

use crate::report::{Report, SCHEMA};

/// The outcome that `--save` kept at `path`.
pub(crate) fn load(path: &Path) -> Result<Report, Box<dyn Error>> {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    let error = |error: &dyn Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|e| error(&e))?;
    // First alone: of another version, other fields may be there.
    let version: Version = serde_json::from_str(&text).map_err(|e| error(&e))?;
    if version.schema != SCHEMA {
        let found = format!("schema {SCHEMA} expected, found {}", version.schema);
        return Err(error(&found).into());
    }
    Ok(serde_json::from_str(&text).map_err(|e| error(&e))?)
}

/// An error if no report can be saved at `path`: before anything is measured, so that minutes of it are not lost.
/// Makes the folder.
pub(crate) fn check_writable(path: &Path) -> Result<(), Box<dyn Error>> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(format!("{}: a folder, not a file", path.display()).into());
    }
    let probe = path.with_added_extension("part");
    vgg::files::write_atomically(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Keeps the outcome at `path`, whole or not at all.
pub(crate) fn save(path: &Path, report: &Report) -> Result<(), Box<dyn Error>> {
    let text = serde_json::to_string_pretty(report)?;
    vgg::files::write_atomically(path, text.as_bytes())
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_saved_report_comes_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/report.json");
        check_writable(&path).expect("writable");
        save(&path, &report()).expect("saved");
        assert_eq!(load(&path).expect("a report"), report());
        assert!(check_writable(folder.path()).is_err());
    }

    #[test]
    fn other_versions_are_told_by_their_number() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("old.json");
        std::fs::write(&path, "{\"schema\": 5, \"rows\": []}").expect("written");
        let error = load(&path).expect_err("another version").to_string();
        assert!(error.ends_with("schema 6 expected, found 5"), "{error}");
    }
}
