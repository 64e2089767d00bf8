//! A server on this machine that gives good and bad answers.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

/// Status, body, and the length that is announced if it is not the body's.
pub(crate) type Answer = (u16, Vec<u8>, Option<usize>);

/// Announced where the server says nothing about the length: the body ends with the connection.
pub(crate) const UNKNOWN: usize = usize::MAX;

/// What a server does with one request.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    /// The announced length, if it is not the body's.
    pub(super) announced: Option<usize>,
    /// How long the connection stays open behind the body.
    pub(super) pause: Duration,
}

/// Starts a server that answers every request by its path; gives its address.
pub(crate) fn serve(answer: impl Fn(&str) -> Answer + Send + 'static) -> String {
    serve_ranges(move |path, _| {
        let (status, body, announced) = answer(path);
        Response {
            status,
            body,
            announced,
            pause: Duration::ZERO,
        }
    })
}

/// Starts a server that answers every request by its path and the byte that it asks to begin
/// with; gives its address.
pub(super) fn serve_ranges(
    answer: impl Fn(&str, Option<usize>) -> Response + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let request = lines.next().unwrap_or_default();
            let mut start = None;
            for line in lines.take_while(|line| !line.is_empty()) {
                let line = line.to_ascii_lowercase();
                let range = line.strip_prefix("range: bytes=");
                start = start.or(range.and_then(|range| range.trim_end_matches('-').parse().ok()));
            }
            let path = request.split(' ').nth(1).unwrap_or_default();
            let response = answer(path, start);
            let length = match response.announced {
                Some(UNKNOWN) => String::new(),
                announced => format!(
                    "Content-Length: {}\r\n",
                    announced.unwrap_or(response.body.len())
                ),
            };
            let head = format!(
                "HTTP/1.1 {} x\r\n{length}Connection: close\r\nLocation: /moved\r\n\r\n",
                response.status
            );
            // The client may have hung up already.
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&response.body));
            if !response.pause.is_zero() {
                std::thread::spawn(move || {
                    std::thread::sleep(response.pause);
                    drop(stream);
                });
            }
        }
    });
    address
}
