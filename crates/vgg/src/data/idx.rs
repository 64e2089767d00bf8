//! The IDX format of MNIST and its relatives: a magic number, big-endian sizes, then bytes;
//! plain or compressed with gzip.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::error::DataError;
use super::image_set::ImageSet;
use crate::file::open_file;

/// No image file of this family is larger; a header that says otherwise is not believed.
const MOST_BYTES: u64 = 4 << 30;
/// Of a file that does not begin as an IDX file no more is read.
const MOST_OF_ANOTHER: u64 = 1 << 16;
/// Type "unsigned byte", three dimensions: images.
const IMAGE_MAGIC: u32 = 0x0803;
/// Type "unsigned byte", one dimension: labels.
const LABEL_MAGIC: u32 = 0x0801;

/// The contents of an IDX file of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxImages {
    /// How many images there are.
    pub count: usize,
    /// Height of each, in pixels.
    pub height: usize,
    /// Width of each, in pixels.
    pub width: usize,
    /// Their pixels, 0 to 255, in the order image, row, column.
    pub pixels: Vec<u8>,
}

/// Parses an IDX file of images; `path` is for messages only.
///
/// # Errors
/// A wrong magic number, or a file that is shorter or longer than its header says.
pub fn parse_idx_images(path: &Path, bytes: &[u8]) -> Result<IdxImages, DataError> {
    let (sizes, pixels) = parse::<3>(path, bytes, IMAGE_MAGIC, "an IDX file of images")?;
    let [count, height, width] = sizes;
    Ok(IdxImages {
        count,
        height,
        width,
        pixels,
    })
}

/// Parses an IDX file of labels below `classes`; `path` is for messages only.
///
/// # Errors
/// A wrong magic number, a wrong length, or a label that is not below `classes`.
pub fn parse_idx_labels(path: &Path, bytes: &[u8], classes: usize) -> Result<Vec<u8>, DataError> {
    let (_, labels) = parse::<1>(path, bytes, LABEL_MAGIC, "an IDX file of labels")?;
    check_labels(path, &labels, classes)?;
    Ok(labels)
}

/// Checks that every label is below `classes`.
pub(super) fn check_labels(path: &Path, labels: &[u8], classes: usize) -> Result<(), DataError> {
    match labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    {
        None => Ok(()),
        Some(index) => Err(DataError::Label {
            path: path.to_owned(),
            index,
            label: labels[index].into(),
            classes,
        }),
    }
}

fn parse<const D: usize>(
    path: &Path,
    bytes: &[u8],
    magic: u32,
    format: &'static str,
) -> Result<([usize; D], Vec<u8>), DataError> {
    let header = 4 + 4 * D;
    let length = |expected: String, why: &str| DataError::Length {
        path: path.to_owned(),
        expected,
        why: why.to_owned(),
        found: bytes.len().to_string(),
    };
    if bytes.len() < header {
        return Err(length(format!("at least {header}"), "for the header"));
    }
    let word = |index: usize| {
        let at = 4 * index;
        u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    if word(0) != magic {
        return Err(DataError::Magic {
            path: path.to_owned(),
            format,
            expected: format!("{magic:#010x}"),
            found: format!("{:#010x}", word(0)),
        });
    }
    let sizes: [usize; D] = std::array::from_fn(|index| word(index + 1) as usize);
    let body = sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    let sizes_text = sizes.map(|size| size.to_string()).join("×");
    match body.and_then(|body| body.checked_add(header)) {
        Some(expected) if expected == bytes.len() => Ok((sizes, bytes[header..].to_vec())),
        expected => Err(length(
            expected.map_or("impossibly many".to_owned(), |expected| {
                expected.to_string()
            }),
            &format!("for {sizes_text} values and the header"),
        )),
    }
}

/// Reads a file, decompressing it if it is gzip: no more of it than its header says, and one byte.
pub(super) fn read_maybe_gz(path: &Path) -> Result<Vec<u8>, DataError> {
    let error = |source| DataError::io(path, source);
    let file = open_file(path).map_err(error)?;
    let length = file.metadata().map_err(error)?.len();
    let mut file = BufReader::new(file);
    let compressed = file.fill_buf().map_err(error)?.starts_with(&[0x1f, 0x8b]);
    match compressed {
        true => contents(path, MultiGzDecoder::new(file), unpacked(length)),
        false => contents(path, file, length),
    }
}

/// Decompresses gzip data, as [`read_maybe_gz`] does; `path` is for messages only.
#[cfg(any(test, feature = "embedded"))]
pub(super) fn gunzip(path: &Path, raw: &[u8]) -> Result<Vec<u8>, DataError> {
    contents(path, MultiGzDecoder::new(raw), unpacked(raw.len() as u64))
}

/// What images can be packed into a file of so many bytes: those of MNIST take a fifth of their size.
fn unpacked(length: u64) -> u64 {
    (16 << 20) + length.saturating_mul(100)
}

/// What an IDX file should hold, and a byte more where there is one, so that [`parse`] sees that it is too long. The
/// header comes first: a small file can unpack to a thousand times its size. `room` is what the file can hold.
fn contents(path: &Path, mut file: impl Read, room: u64) -> Result<Vec<u8>, DataError> {
    let error = |source| DataError::io(path, source);
    let mut bytes = Vec::new();
    let mut read = |bytes: &mut Vec<u8>, most: u64| {
        let part = file.by_ref().take(most).read_to_end(bytes);
        part.map_err(error)
    };
    read(&mut bytes, 4)?;
    let most = match bytes[..] {
        [0, 0, 0x08, dimensions] => {
            read(&mut bytes, 4 * u64::from(dimensions))?;
            let sizes = bytes[4..].chunks_exact(4);
            let sizes = sizes
                .map(|word| u64::from(u32::from_be_bytes([word[0], word[1], word[2], word[3]])));
            sizes.fold(1, u64::saturating_mul)
        }
        _ => MOST_OF_ANOTHER,
    };
    if most > MOST_BYTES.min(room.max(MOST_OF_ANOTHER)) {
        return Err(DataError::Length {
            path: path.to_owned(),
            expected: most.to_string(),
            why: "for the sizes in its header".to_owned(),
            found: format!("no more than {}", MOST_BYTES.min(room)),
        });
    }
    read(&mut bytes, most.saturating_add(1))?;
    Ok(bytes)
}

/// The file called `stem`, plain or `.gz`, with either of the separators in use.
pub(super) fn find(folder: &Path, stem: &str) -> Option<PathBuf> {
    let dotted = stem.replace("-idx", ".idx");
    [stem, &dotted]
        .iter()
        .flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))])
        .find(|path| path.is_file())
}

/// Whether `folder` holds the training images of an IDX data set.
pub(super) fn is_idx_folder(folder: &Path) -> bool {
    find(folder, "train-images-idx3-ubyte").is_some()
}

/// One part of an IDX data set: `part` is `train` or `t10k`.
pub(super) fn load_part(folder: &Path, part: &str, classes: usize) -> Result<ImageSet, DataError> {
    let file = |kind: &str| {
        let name = format!("{part}-{kind}-ubyte");
        find(folder, &name).ok_or_else(|| DataError::Folder {
            path: folder.to_owned(),
            reason: format!("neither {name} nor {name}.gz is in it"),
        })
    };
    let (image_file, label_file) = (file("images-idx3")?, file("labels-idx1")?);
    let images = parse_idx_images(&image_file, &read_maybe_gz(&image_file)?)?;
    let labels = parse_idx_labels(&label_file, &read_maybe_gz(&label_file)?, classes)?;
    join((&image_file, images), (&label_file, labels))
}

/// Puts the images of one file and the labels of another together.
pub(super) fn join(
    (image_file, images): (&Path, IdxImages),
    (label_file, labels): (&Path, Vec<u8>),
) -> Result<ImageSet, DataError> {
    if images.count != labels.len() {
        return Err(DataError::Count {
            image_file: image_file.to_owned(),
            images: images.count,
            label_file: label_file.to_owned(),
            labels: labels.len(),
        });
    }
    let labels = labels.into_iter().map(u16::from).collect();
    ImageSet::new([1, images.height, images.width], images.pixels, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(count: u32, side: u32, pixels: usize) -> Vec<u8> {
        let words = [IMAGE_MAGIC, count, side, side];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.resize(bytes.len() + pixels, 7);
        bytes
    }

    fn labels(values: &[u8]) -> Vec<u8> {
        let words = [LABEL_MAGIC, values.len() as u32];
        words
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .chain(values.iter().copied())
            .collect()
    }

    #[test]
    fn reads_what_the_header_says() {
        let parsed = parse_idx_images(Path::new("x"), &images(2, 3, 18)).expect("whole");
        assert_eq!((parsed.count, parsed.height, parsed.width), (2, 3, 3));
        assert_eq!(parsed.pixels, [7; 18]);
        assert_eq!(
            parse_idx_labels(Path::new("x"), &labels(&[9, 0]), 10).expect("whole"),
            [9, 0]
        );
    }

    #[test]
    fn every_broken_file_is_named_with_what_is_wrong() {
        let path = Path::new("folder/train-images");
        let mut wrong_magic = images(1, 1, 1);
        wrong_magic[2] = 0x0d;
        let cases = [
            (
                images(2, 3, 17),
                "34 bytes expected for 2×3×3 values and the header, found 33",
            ),
            (
                images(2, 3, 19),
                "34 bytes expected for 2×3×3 values and the header, found 35",
            ),
            (
                vec![0, 0, 8],
                "at least 16 bytes expected for the header, found 3",
            ),
            (vec![], "at least 16 bytes expected for the header, found 0"),
            (
                wrong_magic,
                "it starts with 0x00000d03, expected 0x00000803",
            ),
            (
                labels(&[1, 2, 3, 4, 5, 6, 7, 8]),
                "it starts with 0x00000801",
            ),
            (
                images(u32::MAX, u32::MAX, 0),
                "impossibly many bytes expected",
            ),
        ];
        for (bytes, expected) in cases {
            let error = parse_idx_images(path, &bytes)
                .expect_err(expected)
                .to_string();
            assert!(error.starts_with("folder/train-images: "), "{error}");
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn no_more_is_unpacked_than_the_header_says() {
        let path = Path::new("x");
        for (start, most) in [
            (images(2, 3, 18), 16 + 18),
            (labels(&[1, 2]), 8 + 2),
            (vec![1; 4], 4 + (1 << 16)),
        ] {
            let bomb = gzip(&[start, vec![7; 50 << 20]].concat());
            assert_eq!(gunzip(path, &bomb).expect("unpacks").len(), most + 1);
        }
        let parsed = parse_idx_images(
            path,
            &gunzip(path, &gzip(&images(2, 3, 19))).expect("unpacks"),
        );
        let error = parsed.expect_err("too long").to_string();
        assert!(error.contains("34 bytes expected"), "{error}");
    }

    #[test]
    fn a_header_that_promises_more_than_its_file_can_hold_is_not_believed() {
        let bomb = gzip(&[images(60_000, 1000, 0), vec![0; 50 << 20]].concat());
        let error = gunzip(Path::new("x"), &bomb).expect_err("too small");
        let error = error.to_string();
        assert!(error.contains("for the sizes in its header"), "{error}");
    }

    #[test]
    fn a_file_of_several_members_is_read_whole() {
        let whole = images(2, 3, 18);
        let folder = tempfile::tempdir().expect("a temporary folder");
        for cut in [1, 10, 16, 20] {
            let (first, rest) = whole.split_at(cut);
            let bytes = [gzip(first), gzip(b""), gzip(rest)].concat();
            assert_eq!(gunzip(Path::new("x"), &bytes).expect("unpacks"), whole);
            let path = folder.path().join("images.gz");
            std::fs::write(&path, bytes).expect("written");
            assert_eq!(read_maybe_gz(&path).expect("unpacks"), whole);
        }
    }

    #[test]
    fn a_label_out_of_range_is_shown() {
        let error = parse_idx_labels(Path::new("l"), &labels(&[1, 10]), 10).expect_err("10");
        assert_eq!(error.to_string(), "l: label 10 of image 1 is not below 10");
    }

    #[test]
    fn images_and_labels_of_different_counts_are_refused() {
        let images = parse_idx_images(Path::new("i"), &images(2, 1, 2)).expect("whole");
        let error = join((Path::new("i"), images), (Path::new("l"), vec![1])).expect_err("2 and 1");
        assert_eq!(error.to_string(), "i holds 2 images, l 1 labels");
    }
}
