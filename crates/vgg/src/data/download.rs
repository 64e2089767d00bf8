//! Downloading one file over HTTP.

use std::io::Read;
use std::time::Duration;

use super::error::DataError;

/// Called with the bytes that have arrived and, where the server says so, the bytes to come in
/// all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// How long a server may take to accept a connection and to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the whole file may take.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The contents of `address`, at most `most` bytes.
///
/// # Errors
/// [`DataError::Download`]: no connection, an answer other than 200, a body that is larger than
/// `most` or shorter than announced.
pub fn download(address: &str, most: u64, progress: Progress) -> Result<Vec<u8>, DataError> {
    let failed = |reason: String| DataError::Download {
        address: address.to_owned(),
        reason,
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_global(Some(LONGEST))
        .build()
        .into();
    let mut response = agent
        .get(address)
        .call()
        .map_err(|error| failed(error.to_string()))?;
    let announced = response.body().content_length();
    if let Some(announced) = announced.filter(|&announced| announced > most) {
        return Err(failed(format!(
            "{announced} bytes are announced; the most is {most}"
        )));
    }
    let mut reader = response.body_mut().as_reader();
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let count = reader.read(&mut chunk).map_err(|error| {
            failed(format!("it broke off after {} bytes: {error}", bytes.len()))
        })?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..count]);
        if bytes.len() as u64 > most {
            return Err(failed(format!("more than {most} bytes arrived")));
        }
        progress(bytes.len() as u64, announced);
    }
    match announced {
        Some(announced) if announced != bytes.len() as u64 => Err(failed(format!(
            "{announced} bytes were announced, {} arrived",
            bytes.len()
        ))),
        _ => Ok(bytes),
    }
}
