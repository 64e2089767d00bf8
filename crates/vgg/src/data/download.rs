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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    /// Status, body, and the length that is announced if it is not the body's.
    pub(in crate::data) type Answer = (u16, Vec<u8>, Option<usize>);

    /// Starts a server on this machine that answers every request; gives its address.
    pub(in crate::data) fn serve(answer: impl Fn(&str) -> Answer + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let request = lines.next().unwrap_or_default();
                lines.find(String::is_empty);
                let path = request.split(' ').nth(1).unwrap_or_default();
                let (status, body, announced) = answer(path);
                let length = announced.unwrap_or(body.len());
                let head = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\
                     Location: /moved\r\n\r\n"
                );
                // The client may have hung up already.
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(&body));
            }
        });
        address
    }

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
