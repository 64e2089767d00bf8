//! How a program ends.

use std::error::Error;
use std::process::ExitCode;

use crate::printable::message;

/// Shows an error on standard error and fails with it.
pub fn code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // It may quote a file.
            crate::note!("error: {}", message(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}
