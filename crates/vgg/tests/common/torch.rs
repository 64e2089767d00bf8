//! Archives as `torch.save` writes them, made by hand: every entry aligned to 64 bytes, sizes behind the data,
//! and the records of ZIP64 at the end though nothing needs them.

#![allow(dead_code)] // each test takes what it needs

use std::io::{Read, Write};
use std::path::Path;

use flate2::{Compression, Crc, write::DeflateEncoder};

/// One entry: its name behind the archive's stem, and its contents.
pub type File = (String, Vec<u8>);

/// The entries of an archive of PyTorch, without its stem.
pub fn entries(path: &Path) -> Vec<File> {
    let bytes = std::fs::File::open(path).expect("a file");
    let mut archive = zip::ZipArchive::new(bytes).expect("an archive");
    let count = archive.len();
    let read = |index: usize| {
        let mut entry = archive.by_index(index).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        let (_, name) = name.split_once('/').expect("behind a stem");
        let (name, mut contents) = (name.to_owned(), Vec::new());
        entry.read_to_end(&mut contents).expect("read");
        (name, contents)
    };
    (0..count).map(read).collect()
}

/// The archive of these entries as `torch.save` calls it for a file with this stem.
pub fn archive(stem: &str, entries: &[File]) -> Vec<u8> {
    build(stem, entries, false)
}

/// The same with its entries deflated, as other tools would write it.
pub fn deflated(stem: &str, entries: &[File]) -> Vec<u8> {
    build(stem, entries, true)
}

fn build(stem: &str, entries: &[File], deflate: bool) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, contents) in entries {
        let name = format!("{stem}/{name}");
        let mut crc = Crc::new();
        crc.update(contents);
        let stored = match deflate {
            true => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
                encoder.write_all(contents).expect("in memory");
                encoder.finish().expect("in memory")
            }
            false => contents.clone(),
        };
        let method = if deflate { 8u16 } else { 0 };
        let sizes: Vec<u8> = [crc.sum(), stored.len() as u32, contents.len() as u32]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        let start = bytes.len();
        // At least the four bytes of the padding's own header.
        let padding = 64 - (start + 30 + name.len() + 4) % 64;
        bytes.extend(b"PK\x03\x04\0\0\x08\x08");
        bytes.extend(method.to_le_bytes());
        bytes.extend([0; 16]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend((padding as u16 + 4).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(b"FB");
        bytes.extend((padding as u16).to_le_bytes());
        bytes.extend(vec![b'Z'; padding]);
        bytes.extend(stored);
        bytes.extend(b"PK\x07\x08");
        bytes.extend(&sizes);

        directory.extend(b"PK\x01\x02\0\0\0\0\x08\x08");
        directory.extend(method.to_le_bytes());
        directory.extend([0; 4]);
        directory.extend(&sizes);
        directory.extend((name.len() as u16).to_le_bytes());
        directory.extend([0; 12]);
        directory.extend((start as u32).to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u64, entries.len() as u64);
    let size = directory.len() as u64;
    bytes.append(&mut directory);
    let end = bytes.len() as u64;
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44u64.to_le_bytes());
    bytes.extend(b"\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
    for number in [count, count, size, start] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(end.to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((count as u16).to_le_bytes());
    bytes.extend((count as u16).to_le_bytes());
    bytes.extend((size as u32).to_le_bytes());
    bytes.extend((start as u32).to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}
