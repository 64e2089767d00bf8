//! How an example ends.

use std::error::Error;
use std::process::ExitCode;

/// Shows an error and fails with it.
pub fn code(result: Result<(), Box<dyn Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
