//! Files that ask for more memory than they are worth. Alone in its process, whose peak is measured.

#![cfg(all(feature = "flex", feature = "pytorch", target_os = "linux"))]

#[path = "common/torch.rs"]
mod torch;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use vgg::{Vgg, VggConfig};

/// Kilobytes that this process has held at the most.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    number.expect("a number of kB")
}

fn network() -> Vgg {
    let config = VggConfig::named("vgg11").expect("known").with_width(0.01);
    config.init(&Device::flex()).expect("valid")
}

fn pickle(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries
        .iter()
        .map(|(name, contents)| ((*name).to_owned(), contents.clone()));
    torch::deflated("archive", &entries.collect::<Vec<_>>())
}

/// A pickle of a dictionary with `inside`.
fn dictionary(inside: &[u8]) -> Vec<u8> {
    [b"\x80\x02}(", inside, b"u."].concat()
}

fn text(letter: u8, length: u32) -> Vec<u8> {
    [
        b"X",
        &length.to_le_bytes()[..],
        &vec![letter; length as usize],
    ]
    .concat()
}

/// A tensor of one number of the storage 0: `BINPUT 1` keeps it.
fn tensor() -> Vec<u8> {
    let mut bytes = b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec();
    bytes.extend(b"X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQ");
    bytes.extend(b"K\0K\x01\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRq\x01");
    bytes
}

#[test]
fn an_error_costs_little_memory() {
    const MOST: u64 = 64_000;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bomb.pth");
    let nothing =
        |count: usize| [b"\x80\x02(".to_vec(), vec![b'N'; count], b"l.".to_vec()].concat();
    let repeated = |unit: &[u8], count: usize| {
        [b"\x80\x02".to_vec(), unit.repeat(count), b".".to_vec()].concat()
    };
    // Names that grow: a hundred thousand tensors behind a key of a megabyte.
    let names = {
        let mut inside = text(b'k', 1 << 20);
        inside.extend(b"(");
        inside.extend(tensor());
        inside.extend(b"h\x01".repeat(100_000));
        inside.extend(b"l");
        dictionary(&inside)
    };
    // A thousand numbers, kept in a thousand places.
    let copies = {
        let mut bytes = b"\x80\x02(".to_vec();
        bytes.extend(vec![b'N'; 1000]);
        bytes.extend(b"l");
        for place in 0..1000u32 {
            bytes.extend([&b"r"[..], &place.to_le_bytes()].concat());
        }
        bytes.extend(b".");
        bytes
    };
    let legacy = |main: Vec<u8>| {
        let mut bytes = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.".to_vec();
        bytes.extend(b"\x80\x02}X\r\0\0\0little_endian\x88s.");
        bytes.extend(main);
        bytes
    };
    let tar = |name: &str, kind: u8, size: &str, contents: &[u8]| {
        let mut bytes = vec![0; 512];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        bytes[124..124 + size.len()].copy_from_slice(size.as_bytes());
        bytes[156] = kind;
        bytes[257..262].copy_from_slice(b"ustar");
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    };
    let nones = nothing(90_000_000);
    let size = |bytes: &[u8]| format!("{:011o}", bytes.len());
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", pickle(&[("data.pkl", nones.clone())])),
        ("nothing behind other entries", {
            pickle(&[
                ("version", b"3".to_vec()),
                ("data.pkl", nothing(50_000_000)),
            ])
        }),
        ("lists", pickle(&[("data.pkl", repeated(b"]", 40_000_000))])),
        (
            "dictionaries",
            pickle(&[("data.pkl", repeated(b"}K\x01Ns", 10_000_000))]),
        ),
        ("marks", pickle(&[("data.pkl", repeated(b"(", 90_000_000))])),
        (
            "classes",
            pickle(&[("data.pkl", repeated(b"c\n\n", 20_000_000))]),
        ),
        ("copies", pickle(&[("data.pkl", copies)])),
        (
            "doubled",
            pickle(&[(
                "data.pkl",
                [&b"\x80\x02K\x01"[..], &b"2\x86".repeat(40)].concat(),
            )]),
        ),
        ("names", pickle(&[("data.pkl", names)])),
        (
            "a text",
            pickle(&[("data.pkl", dictionary(&text(b'a', 90_000_000)))]),
        ),
        (
            "a line",
            pickle(&[(
                "data.pkl",
                [b"\x80\x02V".to_vec(), vec![b'a'; 90_000_000]].concat(),
            )]),
        ),
        (
            "too much to unpack",
            pickle(&[("data.pkl", vec![0; 200_000_000])]),
        ),
        ("legacy nothing", legacy(nothing(5_000_000))),
        ("legacy lists", legacy(repeated(b"]", 5_000_000))),
        ("a plain pickle", nothing(5_000_000)),
        (
            "tar",
            tar(
                "pickle",
                b'0',
                &size(&nones[..5_000_000]),
                &nones[..5_000_000],
            ),
        ),
        ("a sparse tar", tar("storages", b'S', "77777777777", b"")),
        (
            "a tar of another length",
            tar("storages", b'0', "77777777777", b""),
        ),
        ("an archive of entries that are not there", {
            let mut bytes = pickle(&[("data.pkl", nothing(1))]);
            let end = bytes.len() - 22;
            bytes[end + 8..end + 12].copy_from_slice(&[0xff; 4]);
            bytes[end - 20 - 56 + 24..end - 20 - 56 + 40].copy_from_slice(&[0x7f; 16]);
            bytes
        }),
    ];
    drop(nones);
    let cases: Vec<_> = (0..)
        .zip(cases)
        .map(|(index, (name, bytes))| {
            let path = folder.path().join(format!("{index}.pth"));
            fs::write(&path, bytes).expect("written");
            (name, path)
        })
        .collect();
    // Making the files took memory: the peak is measured from here on.
    fs::write("/proc/self/clear_refs", "5").expect("Linux");
    for (name, path) in cases {
        let before = peak();
        let message = network().load(&path).expect_err(name).to_string();
        let cost = peak() - before;
        assert!(message.contains("not a PyTorch file"), "{name}: {message}");
        assert!(
            message.len() < 1000,
            "{name}: {} bytes of message",
            message.len()
        );
        assert!(cost < MOST, "{name}: {cost} kB");
    }

    // As much as a checkpoint may hold beside its weights is not refused: 100,000 losses.
    let losses = [
        b"\x80\x02}X\x06\0\0\0losses](".to_vec(),
        b"G?\xf8\0\0\0\0\0\0".repeat(100_000),
        b"es.".to_vec(),
    ];
    fs::write(&path, pickle(&[("data.pkl", losses.concat())])).expect("written");
    let message = network().load(&path).expect_err("no weights").to_string();
    assert!(message.contains("missing: "), "{message}");
}

/// Tensors of an archive whose entries are deflated, and that reach over far more than the file has.
#[test]
fn tensors_are_no_larger_than_the_network() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("storage.pth");
    let bytes = pickle(&[
        ("data.pkl", b"\x80\x02}.".to_vec()),
        ("data/0", vec![0; 100_000_000]),
    ]);
    fs::write(&path, bytes).expect("written");
    let message = network().load(&path).expect_err("refused").to_string();
    assert!(message.contains("unpacks to 100000000 bytes"), "{message}");
}

#[test]
fn what_is_no_file_is_neither_read_nor_waited_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pipe = folder.path().join("pipe.pth");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let empty = folder.path().join("empty");
    fs::write(&empty, "").expect("written");
    for (path, expected) in [
        (Path::new("/dev/zero"), "a device or a pipe, not a file"),
        (Path::new("/dev/full"), "a device or a pipe"),
        (&pipe, "a device or a pipe"),
        (folder.path(), "a folder, not a file"),
        (&empty, "0 bytes are too few"),
    ] {
        for error in [
            network().load(path).expect_err("no file"),
            Vgg::from_file(path, &Device::flex()).expect_err("no file"),
        ] {
            let message = error.to_string();
            assert!(message.contains(expected), "{}: {message}", path.display());
        }
    }
}
