//! Whether a JPEG file is whole. The decoder fills what is missing with grey and says nothing.

/// Why a file cannot be believed, in words.
type Reason = &'static str;

const CUT_OFF: Reason = "broken image: it is cut off, and part of the picture is missing";
const TOO_SHORT: Reason = "broken image: it is too short for a picture of the size that it claims";

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Checks that the segments of the file in `bytes`, which begins as a JPEG does, lead to the marker of its end, as
/// Pillow does, and that the data can hold as many blocks as the picture has. What follows the end is not looked at:
/// phones put a second picture or a film there.
///
/// # Errors
/// A file that is cut off anywhere, or one that claims more picture than it can hold.
pub(super) fn check(bytes: &[u8]) -> Result<(), Reason> {
    let (mut at, mut scan, mut bits, mut data) = (2, false, 0, 0);
    loop {
        let (marker, from) = next_marker(bytes, at).ok_or(CUT_OFF)?;
        if scan {
            data += (from - at) as u64;
        }
        // Markers without a length: those of restarts, which lie within a scan, and of the start and end.
        if matches!(marker, 0x01 | 0xd0..=0xd8) {
            at = from;
            continue;
        }
        if marker == END_OF_IMAGE {
            return if data.saturating_mul(8) < bits {
                Err(TOO_SHORT)
            } else {
                Ok(())
            };
        }
        let length = bytes.get(from..from + 2).ok_or(CUT_OFF)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let segment = bytes.get(from..from + length.max(2)).ok_or(CUT_OFF)?;
        // Starts of frames, between which DHT, JPG and DAC have their numbers.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            bits = least_bits(segment, marker).unwrap_or(0);
        }
        scan = marker == START_OF_SCAN;
        at = from + segment.len();
    }
}

/// Whether the whole file is held as coefficients before any pixel is made of them: that of a progressive file, or one
/// with a scan for each colour. Taken to be so of any picture without three colours.
pub(super) fn has_scans(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some((marker, from)) = next_marker(bytes, at) {
        let segment = bytes.get(from..).unwrap_or_default();
        let length = segment
            .first_chunk()
            .map_or(2, |&length| usize::from(u16::from_be_bytes(length)));
        match marker {
            0xc0 | 0xc1 => at = from + length,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => return true,
            START_OF_SCAN => return segment.get(2) != Some(&3),
            0x01 | 0xd0..=0xd8 => at = from,
            END_OF_IMAGE => return false,
            _ => at = from + length,
        }
    }
    false
}

/// The first marker from `at` on, and where what follows it begins. Other bytes in front of it are skipped: the data
/// of a scan, or what does not belong there.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)? + 1;
        match *bytes.get(at)? {
            0x00 => at += 1,  // the byte 255 within the data
            0xff => continue, // a fill byte
            marker => return Some((marker, at + 1)),
        }
    }
}

/// The fewest bits that the blocks of a picture take, all its components together: two each, of which a progressive
/// scan can save one.
fn least_bits(frame: &[u8], marker: u8) -> Option<u64> {
    let size = |at: usize| {
        Some(u64::from(u16::from_be_bytes([
            *frame.get(at)?,
            *frame.get(at + 1)?,
        ])))
    };
    let (height, width) = (size(3)?, size(5)?);
    let components = frame.get(8..)?.chunks_exact(3);
    let sampling: Vec<_> = components
        .map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15)))
        .collect();
    let most = |side: fn(&(u64, u64)) -> u64| sampling.iter().map(side).max().unwrap_or(0).max(1);
    let (most_x, most_y) = (most(|s| s.0), most(|s| s.1));
    let blocks = sampling
        .iter()
        .map(|&(x, y)| (width * x / most_x / 8) * (height * y / most_y / 8));
    let progressive = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
    Some(blocks.sum::<u64>() * if progressive { 1 } else { 2 })
}
