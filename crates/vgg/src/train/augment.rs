//! Random changes of training images that leave their class as it is.

use burn::config::Config;
use rand::Rng;

use super::crop::Crop;

/// Which changes are made.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub struct Augmentation {
    /// Pad each side by so many black pixels, then cut out the old size at a random place.
    #[config(default = 0)]
    pub crop_padding: usize,
    /// Take a part of each image, of 8 to 100 % of its area and of three by four to four by three in its sides, and scale
    /// it to the whole, as ImageNet's networks are trained (torchvision's `RandomResizedCrop`); `None` is no. Of images
    /// in files it is a part of the picture as it is there.
    pub random_resized_crop: Option<bool>,
    /// Mirror every second image, on average.
    #[config(default = false)]
    pub mirror: bool,
}

impl Augmentation {
    /// What becomes of the next image. As many random numbers are drawn for each.
    pub(super) fn draw(&self, random: &mut impl Rng) -> Change {
        let mirror = self.mirror && random.random();
        let shift = match self.crop_padding {
            0 => [0, 0],
            padding => {
                [(); 2].map(|()| random.random_range(0..=2 * padding) as isize - padding as isize)
            }
        };
        let crop = self.random_resized_crop == Some(true);
        let crop = crop.then(|| Crop::new(random.random()));
        Change {
            mirror,
            shift,
            crop,
        }
    }
}

/// What is done to one image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change {
    mirror: bool,
    /// Rows and columns.
    shift: [isize; 2],
    crop: Option<Crop>,
}

impl Change {
    /// Which part of the image is taken, before all else.
    pub(super) fn crop(self) -> Option<Crop> {
        self.crop
    }

    /// Appends a changed copy of an image of `shape` (channels, height, width) to `target`.
    pub(super) fn apply(self, pixels: &[u8], [_, height, width]: [usize; 3], target: &mut Vec<u8>) {
        let Self { mirror, shift, .. } = self;
        if !mirror && shift == [0, 0] {
            target.extend_from_slice(pixels);
            return;
        }
        for plane in pixels.chunks_exact(height * width) {
            for row in 0..height {
                let row = row.checked_add_signed(shift[0]).filter(|&row| row < height);
                for column in 0..width {
                    let column = if mirror { width - 1 - column } else { column };
                    let column = column.checked_add_signed(shift[1]).filter(|&c| c < width);
                    target.push(match (row, column) {
                        (Some(row), Some(column)) => plane[row * width + column],
                        _ => 0,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const IMAGE: [u8; 6] = [1, 2, 3, 4, 5, 6];

    fn results(augmentation: Augmentation) -> Vec<Vec<u8>> {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let once = |_| {
            let mut target = Vec::new();
            augmentation
                .draw(&mut random)
                .apply(&IMAGE, [1, 2, 3], &mut target);
            target
        };
        (0..200).map(once).collect()
    }

    #[test]
    fn nothing_asked_for_nothing_changed() {
        assert!(
            results(Augmentation::new())
                .iter()
                .all(|image| image == &IMAGE)
        );
    }

    #[test]
    fn half_of_the_images_are_mirrored() {
        let images = results(Augmentation::new().with_mirror(true));
        let mirrored = images
            .iter()
            .filter(|image| *image == &[3, 2, 1, 6, 5, 4])
            .count();
        let same = images.iter().filter(|image| *image == &IMAGE).count();
        assert_eq!(mirrored + same, 200);
        assert!((70..130).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn crops_move_the_image_and_fill_with_black() {
        let images = results(Augmentation::new().with_crop_padding(1));
        for expected in [
            vec![0, 0, 0, 1, 2, 3],
            vec![2, 3, 0, 5, 6, 0],
            vec![0, 4, 5, 0, 0, 0],
        ] {
            assert!(images.contains(&expected), "{expected:?}");
        }
        let different: std::collections::BTreeSet<_> = images.iter().collect();
        assert_eq!(different.len(), 9);
    }
}
