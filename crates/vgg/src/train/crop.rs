//! A random part of an image that keeps its class, as torchvision's `RandomResizedCrop` takes it.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::Part;

/// The part's area, of that of the image.
const AREA: [f64; 2] = [0.08, 1.0];
/// The part's width divided by its height; as likely to be twice as much as half as much.
const RATIO: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];
/// So often a part is drawn that may not lie within the image.
const TRIES: usize = 10;

/// Which part is taken. An image's size is not known before it is read, so its numbers are drawn then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crop {
    seed: u64,
}

impl Crop {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The part of an image of this size; the largest one in its middle where none that was drawn lies within it.
    pub(super) fn part(self, width: usize, height: usize) -> Part {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let (w, h) = (width as f64, height as f64);
        for _ in 0..TRIES {
            let area = w * h * random.random_range(AREA[0]..AREA[1]);
            let ratio = random.random_range(RATIO[0].ln()..RATIO[1].ln()).exp();
            let [of_width, of_height] =
                [area * ratio, area / ratio].map(|square| square.sqrt().round_ties_even() as usize);
            if (1..=width).contains(&of_width) && (1..=height).contains(&of_height) {
                return Part {
                    top: random.random_range(0..=height - of_height),
                    left: random.random_range(0..=width - of_width),
                    width: of_width,
                    height: of_height,
                };
            }
        }
        let rounded = |side: f64, most: usize| (side.round_ties_even() as usize).clamp(1, most);
        let [of_width, of_height] = match w / h {
            ratio if ratio < RATIO[0] => [width, rounded(w / RATIO[0], height)],
            ratio if ratio > RATIO[1] => [rounded(h * RATIO[1], width), height],
            _ => [width, height],
        };
        Part {
            left: (width - of_width) / 2,
            top: (height - of_height) / 2,
            width: of_width,
            height: of_height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_lie_within_and_have_the_areas_and_ratios_asked_for() {
        let (width, height) = (300, 200);
        let (mut areas, mut wide) = (Vec::new(), 0);
        for seed in 0..2000 {
            let part = Crop::new(seed).part(width, height);
            assert!(part.left + part.width <= width && part.top + part.height <= height);
            let ratio = part.width as f64 / part.height as f64;
            // Sides are rounded.
            assert!((0.73..1.37).contains(&ratio), "{part:?}");
            areas.push((part.width * part.height) as f64 / (width * height) as f64);
            wide += usize::from(part.width > part.height);
        }
        assert!(areas.iter().all(|area| (0.075..=1.0).contains(area)));
        let mean = areas.iter().sum::<f64>() / areas.len() as f64;
        // The same formulas with Python's random numbers give 0.390, and 57.6 % that are wider than high: large parts
        // often do not lie within, and high ones more often.
        assert!((0.37..0.41).contains(&mean), "{mean}");
        assert!((1080..1220).contains(&wide), "{wide}");
    }

    #[test]
    fn a_strip_is_cut_in_its_middle() {
        let middle = |width, height| Crop::new(1).part(width, height);
        let part = |left, top, width, height| Part {
            left,
            top,
            width,
            height,
        };
        assert_eq!(middle(1000, 9), part(494, 0, 12, 9));
        assert_eq!(middle(9, 1000), part(0, 494, 9, 12));
        assert_eq!(middle(1, 1), part(0, 0, 1, 1));
    }

    #[test]
    fn a_part_follows_from_its_seed() {
        let part = |seed| Crop::new(seed).part(100, 100);
        assert_eq!(part(3), part(3));
        assert_ne!(part(3), part(4));
    }
}
