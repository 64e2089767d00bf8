//! A server's answer over HTTP.

use std::io::Read;
use std::time::Duration;

use ureq::BodyReader;

use super::error::FetchError;

/// How long a server may take to accept a connection and to answer, and how long it may send
/// nothing. A slow one may take as long as it likes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A server's answer, of which the body has not been read.
pub(super) struct Answer {
    address: String,
    body: BodyReader<'static>,
    /// Bytes of the whole file, where the server says so.
    pub(super) length: Option<u64>,
    /// Bytes of it that are there: at first those in front of the body.
    pub(super) arrived: u64,
}

impl Answer {
    /// Asks for the file at `address` from byte `start` on; a server may give all of it instead.
    ///
    /// # Errors
    /// [`FetchError::Download`]: no connection, or an answer other than 200 and 206.
    pub(super) fn ask(address: &str, start: u64, patience: Duration) -> Result<Self, FetchError> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(patience))
            .timeout_recv_response(Some(patience))
            .timeout_per_read(Some(patience))
            .build()
            .into();
        let mut request = agent.get(address);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let response = match request.call() {
            // There is nothing from there on: begin again.
            Err(ureq::Error::StatusCode(416)) if start > 0 => {
                return Self::ask(address, 0, patience);
            }
            other => other.map_err(|error| failed(address, error))?,
        };
        let continued = response.status() == 206;
        let start = if continued { start } else { 0 };
        let body = response.into_body();
        Ok(Self {
            address: address.to_owned(),
            length: body.content_length().map(|length| start + length),
            body: body.into_reader(),
            arrived: start,
        })
    }

    /// Refuses a file of more than `most` bytes, as far as the server says how many there are.
    pub(super) fn at_most(self, most: u64) -> Result<Self, FetchError> {
        match self.length {
            Some(length) if length > most => Err(failed(
                &self.address,
                format!("{length} bytes are announced; the most is {most}"),
            )),
            _ => Ok(self),
        }
    }

    /// The next bytes into `chunk`: how many there are, 0 at the end of the file.
    pub(super) fn read(&mut self, chunk: &mut [u8], most: u64) -> Result<usize, FetchError> {
        let arrived = self.arrived;
        let count = self.body.read(chunk).map_err(|error| {
            failed(
                &self.address,
                format!("it broke off after {arrived} bytes: {error}"),
            )
        })?;
        self.arrived += count as u64;
        if self.arrived > most {
            let reason = format!("more than {most} bytes arrived");
            return Err(failed(&self.address, reason));
        }
        match self.length {
            Some(length) if count == 0 && length != self.arrived => Err(failed(
                &self.address,
                format!("{length} bytes were announced, {arrived} arrived"),
            )),
            _ => Ok(count),
        }
    }
}

fn failed(address: &str, reason: impl std::fmt::Display) -> FetchError {
    FetchError::Download {
        address: address.to_owned(),
        reason: reason.to_string(),
    }
}
