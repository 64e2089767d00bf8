//! Files of weights.

use std::error::Error;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use burn::tensor::Device;
use vgg::{Classifier, Precision, Vgg, VggConfig, WeightsHeader};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Scratch, Target};

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("../../../crates/vgg/tests/golden/files/", $name)).to_vec()
    };
}

/// The network of the golden files.
fn narrow() -> Result<Vgg, Box<dyn Error>> {
    let config = VggConfig::named("vgg11")?
        .with_width(0.125)
        .with_classes(10);
    Ok(config.init(&Device::flex())?)
}

/// Reads a file every way there is.
fn read(path: &Path) {
    let device = Device::flex();
    let _ = Classifier::from_file(path, &device);
    let _ = narrow().expect("valid").load(path);
}

/// A whole network in one small file.
fn classifier() -> Result<Vec<u8>, Box<dyn Error>> {
    let folder = Scratch::new();
    let config = VggConfig::named("vgg16-28")?
        .with_width(0.02)
        .with_hidden(vec![64]);
    let classifier = Classifier::new(
        config.init(&Device::flex())?,
        (0..10).map(|class| format!("class {class}")).collect(),
        super::configuration::run_config(config.clone()).preprocessing,
    )?;
    let path = folder.path().join("weights");
    classifier.save(&path, Precision::F16)?;
    Ok(std::fs::read(path)?)
}

pub fn safetensors() -> Target {
    let folder = Scratch::new();
    Target {
        name: "weights",
        what: "safetensors of this project and of others",
        seeds: Box::new(|| {
            Ok(vec![
                classifier()?,
                golden!("f16.safetensors"),
                golden!("timm.safetensors"),
                golden!("torchvision.safetensors"),
            ])
        }),
        read: Box::new(move |bytes| {
            let _ = WeightsHeader::read(bytes);
            let _ = Classifier::from_file(bytes, &Device::flex());
            read(&folder.file("weights.safetensors", bytes));
        }),
    }
}

/// What a safetensors file says of itself, with the right length in front of it: past the first check.
pub fn header() -> Target {
    Target {
        name: "header",
        what: "the header of safetensors, with its length put right",
        seeds: Box::new(|| {
            let file = classifier()?;
            let length = u64::from_le_bytes(*file.first_chunk().ok_or("too short")?);
            Ok(vec![file[8..8 + length as usize].to_vec()])
        }),
        read: Box::new(|header| {
            let Ok(whole) = classifier() else { return };
            let length = u64::from_le_bytes(*whole.first_chunk().expect("a header"));
            let data = &whole[8 + length as usize..];
            let length = (header.len() as u64).to_le_bytes();
            let file = [&length, header, data].concat();
            let _ = Classifier::from_file(&file, &Device::flex());
        }),
    }
}

pub fn archive() -> Target {
    let folder = Scratch::new();
    Target {
        name: "archive",
        what: "files of torch.save, new and old",
        seeds: Box::new(|| {
            Ok(vec![
                golden!("zip.pth"),
                golden!("bf16.pth"),
                golden!("checkpoint.pth"),
                golden!("legacy.pth"),
            ])
        }),
        read: Box::new(move |bytes| read(&folder.file("weights.pth", bytes))),
    }
}

/// The pickle alone, in an archive that is whole, deflated and not.
pub fn pickle() -> Target {
    let folder = Scratch::new();
    Target {
        name: "pickle",
        what: "the pickle in a file of torch.save, its archive put right",
        seeds: Box::new(|| {
            let mut seeds = Vec::new();
            for file in [golden!("zip.pth"), golden!("checkpoint.pth")] {
                let mut archive = zip::ZipArchive::new(Cursor::new(file))?;
                for index in 0..archive.len() {
                    let mut entry = archive.by_index(index)?;
                    if entry.name_raw().ends_with(b"/data.pkl") {
                        let mut pickle = Vec::new();
                        entry.read_to_end(&mut pickle)?;
                        seeds.push(pickle);
                    }
                }
            }
            // Objects without end.
            seeds.push([b"\x80\x02(".as_slice(), &vec![b'N'; 100_000], b"l."].concat());
            Ok(seeds)
        }),
        read: Box::new(move |pickle| {
            for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
                if let Ok(file) = archived(pickle, method) {
                    read(&folder.file("weights.pth", &file));
                }
            }
        }),
    }
}

fn archived(pickle: &[u8], method: CompressionMethod) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in [
        ("archive/data.pkl", pickle),
        ("archive/byteorder", b"little"),
        ("archive/data/0", &[0; 4096]),
        ("archive/version", b"3\n"),
    ] {
        archive.start_file(name, options)?;
        archive.write_all(bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}
