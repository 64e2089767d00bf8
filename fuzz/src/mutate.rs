//! Random changes of a file.

use rand::Rng;
use rand::seq::IndexedRandom;

/// Numbers at which programs go wrong.
const NUMBERS: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX,
];

/// The same numbers and others, where a number is text.
const TEXTS: [&str; 13] = [
    "0",
    "-1",
    "1e-9",
    "1e308",
    "null",
    "[]",
    "{}",
    "1048576",
    "2147483648",
    "4294967296",
    "8589934592",
    "18446744073709551615",
    "\"\\u001b[2J\"",
];

/// No file grows beyond this.
const MOST: usize = 4 << 20;

/// `seed` with one to eight changes; `other` lends pieces.
pub fn mutated(seed: &[u8], other: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..random.random_range(1..=8) {
        change(&mut bytes, other, random);
        bytes.truncate(MOST);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut impl Rng) {
    if bytes.is_empty() {
        bytes.push(random.random());
        return;
    }
    let at = place(bytes, random);
    match random.random_range(0..10) {
        0 => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes[at] = random.random(),
        2 => number(bytes, at, random),
        3 => text(bytes, at, random),
        4 => bytes.truncate(at),
        5 => {
            let piece = piece(bytes, random);
            bytes.drain(piece);
        }
        6 => {
            let copy = bytes[piece(bytes, random)].to_vec();
            bytes.splice(at..at, copy);
        }
        7 if !other.is_empty() => {
            let copy = other[piece(other, random)].to_vec();
            let end = (at + copy.len()).min(bytes.len());
            bytes.splice(at..end, copy);
        }
        8 => {
            // A piece many times over.
            let copy = bytes[piece(bytes, random)].to_vec();
            let times = 1 << random.random_range(0..12);
            if copy.len() * times <= MOST {
                bytes.splice(at..at, copy.repeat(times));
            }
        }
        _ => {
            let byte = random.random();
            let end = (at + random.random_range(1..64)).min(bytes.len());
            bytes[at..end].fill(byte);
        }
    }
}

/// A place, rather near the ends: there are headers and directories.
fn place(bytes: &[u8], random: &mut impl Rng) -> usize {
    let near = bytes.len().min(200);
    match random.random_range(0..4) {
        0 => random.random_range(0..near),
        1 => bytes.len() - random.random_range(1..=near),
        _ => random.random_range(0..bytes.len()),
    }
}

fn piece(bytes: &[u8], random: &mut impl Rng) -> std::ops::Range<usize> {
    let start = place(bytes, random);
    let longest = (bytes.len() - start).min(1 << random.random_range(1..16));
    start..start + random.random_range(1..=longest)
}

/// A number of one to eight bytes, in either order.
fn number(bytes: &mut [u8], at: usize, random: &mut impl Rng) {
    let number = NUMBERS.choose(random).copied().unwrap_or_default();
    let length = 1 << random.random_range(0..4);
    let big = random.random::<bool>();
    for (index, byte) in bytes.iter_mut().skip(at).take(length).enumerate() {
        let shift = if big { length - 1 - index } else { index };
        *byte = (number >> (8 * shift)) as u8;
    }
}

/// Another number in the place of a number of digits, at `at` or behind.
fn text(bytes: &mut Vec<u8>, at: usize, random: &mut impl Rng) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(digit).map(|start| at + start) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|byte| digit(byte)).count();
    let text = TEXTS.choose(random).copied().unwrap_or_default();
    bytes.splice(start..start + length, text.bytes());
}
