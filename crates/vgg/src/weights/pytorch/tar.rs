//! The TAR archives that `torch.save` wrote before PyTorch 0.1.10, as some of torchvision's first weights
//! are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};

use super::pickle::scan;
use super::read::broken;
use super::weight::Budget;

/// An archive is made of such blocks.
pub(super) const BLOCK: u64 = 512;
/// Entries of an archive: four and perhaps a folder.
const MOST_ENTRIES: usize = 16;
/// Storages, or tensors.
const MOST_LISTED: u64 = 20_000;

pub(super) fn is_tar(start: &[u8]) -> bool {
    start.get(257..262) == Some(b"ustar")
}

/// Refuses an archive whose pickles would take too much memory, and one with anything but plain files:
/// others may claim any size.
pub(super) fn look_through(file: &mut File, length: u64, budget: &mut Budget) -> io::Result<()> {
    let mut place = 0;
    for _ in 0..MOST_ENTRIES {
        let mut header = [0; BLOCK as usize];
        file.seek(SeekFrom::Start(place))?;
        match file.read_exact(&mut header) {
            Ok(()) if header == [0; BLOCK as usize] => return Ok(()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            other => other?,
        }
        let name = text(&header[..100]);
        let size = u64::from_str_radix(text(&header[124..136]).trim(), 8);
        let size =
            size.map_err(|_| broken(format!("the size of its entry {name:?} is no number")))?;
        if !matches!(header[156], b'0' | 0 | b'5') {
            return Err(broken(format!("its entry {name:?} is no plain file")));
        }
        let start = place + BLOCK;
        if size > length.saturating_sub(start) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let mut entry = BufReader::new((&mut *file).take(size));
        match name.trim_start_matches("./") {
            "sys_info" | "pickle" => scan(&mut entry, budget).map(drop)?,
            "storages" => storages(&mut entry, budget)?,
            "tensors" => tensors(&mut entry, budget)?,
            _ => {}
        }
        place = start + size.next_multiple_of(BLOCK);
    }
    Err(broken(format!("it has more than {MOST_ENTRIES} entries")))
}

/// A count, then of each storage a pickle, how many numbers it has, and these; then a list of views.
fn storages(entry: &mut impl BufRead, budget: &mut Budget) -> io::Result<()> {
    for _ in 0..count(entry, budget)? {
        let class = scan(entry, budget)?;
        let size = match class.trim_end() {
            "DoubleStorage" | "LongStorage" => 8,
            "FloatStorage" | "IntStorage" => 4,
            "HalfStorage" | "ShortStorage" => 2,
            _ => 1,
        };
        let numbers = number(entry)?.saturating_mul(size);
        if io::copy(&mut entry.by_ref().take(numbers), &mut io::sink())? < numbers {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    scan(entry, budget).map(drop)
}

/// A count, then of each tensor a pickle, how many dimensions it has, and sizes, steps and a start.
fn tensors(entry: &mut impl BufRead, budget: &mut Budget) -> io::Result<()> {
    for _ in 0..count(entry, budget)? {
        scan(entry, budget)?;
        let mut dimensions = [0; 8];
        entry.read_exact(&mut dimensions)?;
        let dimensions =
            u32::from_le_bytes([dimensions[0], dimensions[1], dimensions[2], dimensions[3]]);
        if dimensions > 64 {
            return Err(broken(format!(
                "a tensor of it has {dimensions} dimensions"
            )));
        }
        for _ in 0..2 * dimensions + 1 {
            number(entry)?;
        }
    }
    Ok(())
}

/// The pickle of a number: its operation, and two or three bytes around it.
fn count(entry: &mut impl BufRead, budget: &mut Budget) -> io::Result<u64> {
    let start = entry.fill_buf()?.to_vec();
    let before = start.len();
    scan(entry, budget)?;
    let pickle = match before.checked_sub(entry.fill_buf()?.len()) {
        Some(length) => &start[..length],
        None => return Err(broken("it begins with no number".to_owned())),
    };
    let count = match *pickle {
        [0x80, _, b'K', a, b'.'] => a.into(),
        [0x80, _, b'M', a, b, b'.'] => u16::from_le_bytes([a, b]).into(),
        _ => return Err(broken("it begins with no small number".to_owned())),
    };
    match count > MOST_LISTED {
        true => Err(broken(format!(
            "it lists {count} tensors; the most are {MOST_LISTED}"
        ))),
        false => Ok(count),
    }
}

fn number(entry: &mut impl BufRead) -> io::Result<u64> {
    let mut bytes = [0; 8];
    entry.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned()
}
