//! Files of `torch.save`. They are looked through before the reader gets them, as it takes memory for
//! whatever a file says that it holds.

mod archive;
mod pickle;
mod read;
mod tar;
mod weight;

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use burn::tensor::DType;
use pytorch_reader::{DType as Torch, PytorchError, PytorchReader, Tensor};

use super::error::WeightsError;
use weight::Budget;

/// Bytes that the description of any network may come to, and how many more for each byte of a file, whose
/// weights are far larger than their description.
const DESCRIPTION: u64 = 32 << 20;
const OF_FILE: u64 = 8;
const MOST_DESCRIPTION: u64 = 256 << 20;
/// A file from before PyTorch 1.6 begins with so many pickles: a magic number, a version, the system, what was
/// saved, and the order of its storages.
const PICKLES: usize = 5;

/// The tensors of the file at `path`, none of which is read yet.
pub(super) fn tensors(path: &Path) -> Result<Vec<(String, Tensor)>, WeightsError> {
    let mut file = File::open(path).map_err(|source| WeightsError::io(path, source))?;
    look_through(&mut file).map_err(|error| refused(path, error))?;
    let reader = PytorchReader::new(path).map_err(|error| match error {
        PytorchError::Io(source) => refused(path, source),
        error => format(path, error),
    })?;
    Ok(reader.into_tensors().into_iter().collect())
}

/// The type of a tensor's numbers, if a weight may have it.
pub(super) fn float(tensor: &Tensor) -> Option<DType> {
    match tensor.dtype() {
        Torch::F64 => Some(DType::F64),
        Torch::F32 => Some(DType::F32),
        Torch::F16 => Some(DType::F16),
        Torch::BF16 => Some(DType::BF16),
        _ => None,
    }
}

fn refused(path: &Path, error: io::Error) -> WeightsError {
    match error.kind() {
        ErrorKind::InvalidData => format(path, error),
        ErrorKind::UnexpectedEof => format(path, "it ends in the middle"),
        _ => WeightsError::io(path, error),
    }
}

fn format(path: &Path, reason: impl std::fmt::Display) -> WeightsError {
    WeightsError::Format {
        path: path.to_owned(),
        format: "PyTorch",
        reason: reason.to_string(),
    }
}

/// Refuses a file whose description would take far more memory than its weights.
fn look_through(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let most = DESCRIPTION.saturating_add(length / OF_FILE);
    let mut budget = Budget::new(most.min(MOST_DESCRIPTION));
    let mut start = Vec::new();
    (&mut *file).take(tar::BLOCK).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if start.starts_with(b"PK") {
        return archive::look_through(file, length, &mut budget);
    }
    if tar::is_tar(&start) {
        return tar::look_through(file, length, &mut budget);
    }
    // One pickle alone holds no tensors. Behind the first one there may be anything, which the reader refuses.
    let mut source = BufReader::new(file);
    for number in 0..PICKLES {
        match pickle::scan(&mut source, &mut budget) {
            Err(error) if number == 0 => return Err(error),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof && number == 1 => return Ok(()),
            other => other.map(drop)?,
        }
    }
    Ok(())
}
