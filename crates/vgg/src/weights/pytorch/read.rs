//! The pieces that a pickle is made of.

use std::io::{self, BufRead, ErrorKind};

pub(super) fn bytes<const N: usize>(source: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn skip(source: &mut impl BufRead, mut count: u64) -> io::Result<()> {
    while count > 0 {
        let there = source.fill_buf()?.len() as u64;
        if there == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let step = there.min(count);
        source.consume(step as usize);
        count -= step;
    }
    Ok(())
}

/// A line, of which a pickle has only short ones: names and numbers.
pub(super) fn line(source: &mut impl BufRead) -> io::Result<String> {
    const MOST: u64 = 1 << 16;
    let mut line = Vec::new();
    io::Read::take(&mut *source, MOST).read_until(b'\n', &mut line)?;
    match line.pop() {
        Some(b'\n') => Ok(String::from_utf8_lossy(&line).into_owned()),
        _ if line.len() as u64 + 1 >= MOST => Err(broken(format!(
            "its pickle has a line of over {MOST} bytes"
        ))),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

pub(super) fn index(source: &mut impl BufRead) -> io::Result<u32> {
    let text = line(source)?;
    let number = text.trim_end().parse();
    number.map_err(|_| broken(format!("its pickle has the index {text:?}")))
}

pub(super) fn broken(reason: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason)
}
