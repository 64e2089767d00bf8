//! How a program ends.

use std::error::Error;
use std::process::ExitCode;

/// Shows an error on standard error and fails with it.
pub fn code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::note!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
