//! The ZIP archives that `torch.save` writes since PyTorch 1.6.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::{CompressionMethod, ZipArchive};

use super::pickle::scan;
use super::read::broken;
use super::weight::Budget;

/// An archive has an entry for each tensor and a few more.
const MOST_ENTRIES: u64 = 20_000;
/// Bytes of their list.
const MOST_DIRECTORY: u64 = 4 << 20;
/// `torch.save` compresses nothing, and weights hardly shrink for those who do: packed tensors of more than so
/// many times the file are none.
const MOST_UNPACKED: u64 = 8;

/// The records at the end of an archive, and how each begins.
const END: (&[u8], u64) = (b"PK\x05\x06", 22);
const LOCATOR: (&[u8], u64) = (b"PK\x06\x07", 20);
const END_64: (&[u8], u64) = (b"PK\x06\x06", 56);
const ENTRY: (&[u8], u64) = (b"PK\x01\x02", 46);

/// Refuses an archive whose list or pickle would take too much memory.
pub(super) fn look_through(file: &mut File, length: u64, budget: &mut Budget) -> io::Result<()> {
    check_directory(file, length)?;
    file.seek(SeekFrom::Start(0))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(invalid)?;
    let (mut pickles, mut packed) = (Vec::new(), 0u64);
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(invalid)?;
        if entry.compression() != CompressionMethod::Stored {
            packed = packed.saturating_add(entry.size());
        }
        if entry.name_raw().ends_with(b"data.pkl") {
            pickles.push((index, entry.size()));
        }
    }
    let named: u64 = pickles.iter().map(|(_, size)| size).sum();
    let unpacked = packed.saturating_sub(named);
    if unpacked > length.saturating_mul(MOST_UNPACKED) {
        return Err(broken(format!(
            "it unpacks to {unpacked} bytes, far more than weights do of {length}"
        )));
    }
    for (index, size) in pickles {
        // The reader holds all of it beside what it makes of it.
        let needed = |_| {
            broken(format!(
                "its data.pkl unpacks to {size} bytes, more than any VGG needs"
            ))
        };
        budget.spend(size).map_err(needed)?;
        let entry = archive.by_index(index).map_err(invalid)?;
        scan(&mut BufReader::new(entry.take(size)), budget)?;
    }
    Ok(())
}

/// Checks the list of entries before anything is made of it: the number of entries is a claim, too.
fn check_directory(file: &mut File, length: u64) -> io::Result<()> {
    let at_end = |size: u64| length.checked_sub(size);
    let end = record(file, at_end(END.1), END)?;
    let comment = u16::from_le_bytes([end[20], end[21]]);
    if comment != 0 {
        return Err(broken("its end record has a comment".to_owned()));
    }
    let (mut entries, mut size, mut start) = (
        number(&end[10..12]),
        number(&end[12..16]),
        number(&end[16..20]),
    );
    if let Ok(locator) = record(file, at_end(END.1 + LOCATOR.1), LOCATOR) {
        let place = number(&locator[8..16]);
        let end = record(file, Some(place), END_64)?;
        entries = entries.max(number(&end[32..40]));
        size = size.max(number(&end[40..48]));
        start = number(&end[48..56]);
    }
    if entries > MOST_ENTRIES || size > MOST_DIRECTORY {
        return Err(broken(format!(
            "it lists {entries} entries in {size} bytes; the most are {MOST_ENTRIES} in {MOST_DIRECTORY}"
        )));
    }
    let mut list = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    (&mut *file).take(size).read_to_end(&mut list)?;
    let mut rest = list.as_slice();
    for _ in 0..entries {
        let whole = rest.len() as u64 >= ENTRY.1 && rest.starts_with(ENTRY.0);
        let after = match whole {
            true => {
                [28, 30, 32]
                    .iter()
                    .map(|&at| number(&rest[at..at + 2]))
                    .sum::<u64>()
                    + ENTRY.1
            }
            false => u64::MAX,
        };
        let next = usize::try_from(after)
            .ok()
            .and_then(|after| rest.get(after..));
        rest = next.ok_or_else(|| broken("its list of entries is broken".to_owned()))?;
    }
    Ok(())
}

/// The record at `place`, which begins as it should.
fn record(file: &mut File, place: Option<u64>, (magic, size): (&[u8], u64)) -> io::Result<Vec<u8>> {
    let missing = || broken("it has no end record: it was cut off, or is no archive".to_owned());
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(place.ok_or_else(missing)?))?;
    (&mut *file).take(size).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == size && bytes.starts_with(magic) {
        true => Ok(bytes),
        false => Err(missing()),
    }
}

/// A number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, &byte| number << 8 | u64::from(byte))
}

fn invalid(error: zip::result::ZipError) -> io::Error {
    match error {
        zip::result::ZipError::Io(error) => error,
        error => broken(error.to_string()),
    }
}
