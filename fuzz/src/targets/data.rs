//! Data sets.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use vgg::data::{self, DataOptions, parse_idx_images, parse_idx_labels};

use super::{Scratch, Seeds, Target};

pub fn idx() -> Target {
    Target {
        name: "idx",
        what: "IDX files of images and labels",
        seeds: Box::new(|| Ok(vec![idx_images(), idx_labels()])),
        read: Box::new(|bytes| {
            let name = Path::new("idx");
            let _ = parse_idx_images(name, bytes);
            let _ = parse_idx_labels(name, bytes, 10);
        }),
    }
}

pub fn gzip() -> Target {
    let folder = Scratch::new();
    for (name, bytes) in [
        ("train-labels-idx1-ubyte", idx_labels()),
        ("t10k-images-idx3-ubyte", idx_images()),
        ("t10k-labels-idx1-ubyte", idx_labels()),
    ] {
        folder.file(name, &bytes);
    }
    Target {
        name: "gzip",
        what: "compressed IDX files in a folder",
        seeds: Box::new(compressed),
        read: Box::new(move |bytes| {
            folder.file("train-images-idx3-ubyte.gz", bytes);
            load(folder.path());
        }),
    }
}

fn compressed() -> Seeds {
    let gzip = |bytes: &[u8]| -> std::io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    let whole = gzip(&idx_images())?;
    // Of two members, and one that is far larger than its file.
    let images = idx_images();
    let (first, second) = images.split_at(100);
    let members = [gzip(first)?, gzip(second)?].concat();
    let large = gzip(&[images.clone(), vec![0; 64 << 20]].concat())?;
    Ok(vec![whole, members, large])
}

pub fn cifar10() -> Target {
    let folder = Scratch::new();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "test_batch",
    ] {
        folder.file(&format!("{name}.bin"), &record());
    }
    Target {
        name: "cifar10",
        what: "CIFAR-10's binary files",
        seeds: Box::new(|| Ok(vec![record(), record().repeat(3)])),
        read: Box::new(move |bytes| {
            folder.file("data_batch_5.bin", bytes);
            load(folder.path());
        }),
    }
}

fn load(folder: &Path) {
    let options = DataOptions {
        shape: [1, 28, 28],
        skip_broken: false,
        stream: false,
        limit: None,
    };
    let _ = data::load(&folder.to_string_lossy(), &options, &mut |_, _| {});
}

/// Four images of 5×6 pixels.
fn idx_images() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for size in [4u32, 5, 6] {
        bytes.extend(size.to_be_bytes());
    }
    bytes.extend((0..120).map(|value| value as u8));
    bytes
}

fn idx_labels() -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 1, 0, 0, 0, 4];
    bytes.extend([0, 1, 2, 3]);
    bytes
}

fn record() -> Vec<u8> {
    let mut record = vec![7; 3073];
    record[0] = 3;
    record
}
