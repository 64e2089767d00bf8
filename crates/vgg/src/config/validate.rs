//! The rules that a valid configuration obeys.

use super::limits::{
    MOST_BLOCKS, MOST_CONVOLUTIONS, MOST_HIDDEN, MOST_INPUT_CHANNELS, MOST_PARAMETERS, MOST_SIDE,
};
use super::{ConfigError, VggConfig};

impl VggConfig {
    /// Checks every rule; [`VggConfig::init`](crate::VggConfig::init) calls it.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what would be right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let zero = |what: String| Err(ConfigError::Zero { what });
        if self.blocks.is_empty() {
            return zero("blocks".into());
        }
        self.check_counts()?;
        for (index, block) in self.blocks.iter().enumerate() {
            if block.convolutions == 0 {
                return zero(format!("convolutions in block {}", index + 1));
            }
            if block.channels == 0 {
                return zero(format!("channels in block {}", index + 1));
            }
        }
        if self.input_channels == 0 {
            return zero("input channels".into());
        }
        if self.classes == 0 {
            return zero("classes".into());
        }
        if self.hidden.contains(&0) {
            return zero("values in every hidden layer".into());
        }
        if !(self.width.is_finite() && self.width > 0.0) {
            return Err(ConfigError::OutOfRange {
                what: "the width multiplier",
                range: "finite and above 0",
                found: self.width,
            });
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(ConfigError::OutOfRange {
                what: "the dropout probability",
                range: "at least 0 and below 1",
                found: self.dropout,
            });
        }
        check_size(self.input_size, self.blocks.len())?;
        if self.input_size.iter().any(|&side| side > MOST_SIDE) {
            return Err(ConfigError::InputTooLarge {
                found: self.input_size,
            });
        }
        match self.parameter_count() {
            found if found > MOST_PARAMETERS => Err(ConfigError::TooLarge { found }),
            _ => Ok(()),
        }
    }

    /// A few bytes can ask for any number of layers: that is refused before anything is made for each.
    fn check_counts(&self) -> Result<(), ConfigError> {
        let convolutions = self.blocks.iter().map(|block| block.convolutions);
        let convolutions = convolutions.fold(0, usize::saturating_add);
        for (what, found, most) in [
            ("blocks", self.blocks.len(), MOST_BLOCKS),
            ("convolutions", convolutions, MOST_CONVOLUTIONS),
            ("hidden layers", self.hidden.len(), MOST_HIDDEN),
            ("input channels", self.input_channels, MOST_INPUT_CHANNELS),
        ] {
            if found > most {
                return Err(ConfigError::TooMany { what, found, most });
            }
        }
        Ok(())
    }
}

/// So many pixels of an image, in each direction, make one behind so many poolings: 2 to their number.
pub(crate) fn pixels_in_one(poolings: usize) -> usize {
    let shift = u32::try_from(poolings).ok();
    let shifted = shift.and_then(|by| 1usize.checked_shl(by));
    shifted.unwrap_or(usize::MAX)
}

/// Whether so many poolings leave something of an image of height and width `size`.
pub(crate) fn check_size(size: [usize; 2], poolings: usize) -> Result<(), ConfigError> {
    let smallest = pixels_in_one(poolings);
    if size.iter().any(|&side| side < smallest) {
        return Err(ConfigError::InputTooSmall {
            found: size,
            blocks: poolings,
            smallest,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BlockConfig;

    fn small() -> VggConfig {
        VggConfig::named("vgg16-28").expect("a known name")
    }

    #[test]
    fn every_broken_field_is_named() {
        let no_channels = vec![BlockConfig::new(1, 8), BlockConfig::new(1, 0)];
        let no_convolutions = vec![BlockConfig::new(0, 8)];
        let huge = vec![BlockConfig::new(3, usize::MAX / 2)];
        let cases = [
            (
                small().with_blocks(vec![]),
                "at least one of its blocks, found 0",
            ),
            (
                small().with_blocks(no_channels),
                "channels in block 2, found 0",
            ),
            (
                small().with_blocks(no_convolutions),
                "convolutions in block 1, found 0",
            ),
            (small().with_blocks(huge), "the most is 10000000000"),
            (small().with_input_channels(0), "input channels, found 0"),
            (small().with_classes(0), "classes, found 0"),
            (
                small().with_hidden(vec![8, 0]),
                "values in every hidden layer, found 0",
            ),
            (
                small().with_width(0.0),
                "width multiplier must be finite and above 0, found 0",
            ),
            (
                small().with_width(f64::NAN),
                "finite and above 0, found NaN",
            ),
            (small().with_dropout(1.0), "at least 0 and below 1, found 1"),
            (
                small().with_input_size([15, 28]),
                "15×28 pixels does not survive 4 poolings",
            ),
            (small().with_input_size([28, 0]), "the smallest is 16×16"),
            (
                small().with_input_size([28, 1 << 33]),
                "28×8589934592 pixels is too large; the longest side is 4096",
            ),
            (
                small().with_blocks(vec![BlockConfig::new(1, 1); 1_000_000]),
                "at most 12 blocks, found 1000000",
            ),
            (
                small().with_blocks(vec![BlockConfig::new(usize::MAX, 1); 2]),
                "at most 1000 convolutions, found 18446744073709551615",
            ),
            (
                small().with_hidden(vec![1; 1_000_000]).with_width(1e-9),
                "at most 100 hidden layers, found 1000000",
            ),
            (
                small().with_input_channels(1 << 40),
                "at most 1024 input channels, found 1099511627776",
            ),
        ];
        for (config, expected) in cases {
            let message = config.validate().expect_err(expected).to_string();
            assert!(message.contains(expected), "{message:?} lacks {expected:?}");
        }
    }

    #[test]
    fn networks_far_larger_than_published_ones_are_valid() {
        let deep = vec![BlockConfig::new(80, 512); 12];
        let config = small().with_blocks(deep).with_hidden(vec![64; 100]);
        let config = config.with_pooling(crate::Pooling::GlobalAverage);
        assert_eq!(config.with_input_size([4096, 4096]).validate(), Ok(()));
    }
}
