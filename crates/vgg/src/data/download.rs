//! Downloading one file over HTTP.

use std::io::Read;
use std::time::Duration;

use ureq::BodyReader;

use super::error::DataError;

/// Called with the bytes that have arrived and, where the server says so, the bytes to come in
/// all.
pub type Progress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// How long a server may take to accept a connection and to answer, and how long it may send
/// nothing. A slow one may take as long as it likes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

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
    /// [`DataError::Download`]: no connection, or an answer other than 200 and 206.
    pub(super) fn ask(address: &str, start: u64, patience: Duration) -> Result<Self, DataError> {
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
    pub(super) fn at_most(self, most: u64) -> Result<Self, DataError> {
        match self.length {
            Some(length) if length > most => Err(failed(
                &self.address,
                format!("{length} bytes are announced; the most is {most}"),
            )),
            _ => Ok(self),
        }
    }

    /// The next bytes into `chunk`: how many there are, 0 at the end of the file.
    pub(super) fn read(&mut self, chunk: &mut [u8], most: u64) -> Result<usize, DataError> {
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

fn failed(address: &str, reason: impl std::fmt::Display) -> DataError {
    DataError::Download {
        address: address.to_owned(),
        reason: reason.to_string(),
    }
}

/// The contents of `address`, at most `most` bytes.
///
/// # Errors
/// [`DataError::Download`]: no connection, an answer other than 200, a body that is larger than
/// `most` or shorter than announced, or one of which nothing came for a while.
pub fn download(address: &str, most: u64, progress: Progress) -> Result<Vec<u8>, DataError> {
    let mut answer = Answer::ask(address, 0, PATIENCE)?.at_most(most)?;
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        match answer.read(&mut chunk, most)? {
            0 => return Ok(bytes),
            count => bytes.extend_from_slice(&chunk[..count]),
        }
        progress(bytes.len() as u64, answer.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::test_server::serve;

    fn get(address: &str) -> Result<Vec<u8>, String> {
        download(address, 1000, &mut |_, _| {}).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_arrives_with_its_progress() {
        let address = serve(|_| (200, vec![5; 700], None));
        let mut seen = (0, None);
        let bytes = download(&address, 1000, &mut |done, all| seen = (done, all));
        assert_eq!(bytes.expect("served"), [5; 700]);
        assert_eq!(seen, (700, Some(700)));
    }

    /// One that says no length: the end of the connection would be the end of the file.
    #[test]
    fn a_server_that_never_ends_is_left() {
        use std::io::Write as _;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut stream = stream;
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                while stream.write_all(&[7; 512]).is_ok() {}
            }
        });
        let error = get(&address).expect_err("endless");
        assert!(error.contains("more than 1000 bytes arrived"), "{error}");
    }

    #[test]
    fn a_redirect_is_followed() {
        let address = serve(|path| match path {
            "/moved" => (200, b"here".to_vec(), None),
            _ => (302, vec![], None),
        });
        assert_eq!(get(&address).expect("moved"), b"here");
    }

    #[test]
    fn bad_answers_are_errors() {
        let missing = get(&serve(|_| (404, vec![], None))).expect_err("404");
        assert!(missing.contains("404"), "{missing}");
        let cut = get(&serve(|_| (200, vec![1; 10], Some(20)))).expect_err("cut");
        assert!(
            cut.contains("broke off after 10 bytes") || cut.contains("10 arrived"),
            "{cut}"
        );
        let large = get(&serve(|_| (200, vec![1; 10], Some(2000)))).expect_err("large");
        assert!(
            large.contains("2000 bytes are announced; the most is 1000"),
            "{large}"
        );
        get("http://127.0.0.1:9").expect_err("nobody there");
    }
}
