//! Whether the parts of a classifier fit together. They come from files.

use super::error::ClassifierError;
use crate::config::{MOST_SIDE, VggConfig};
use crate::data::{Fit, Normalization, Preprocessing};

/// Numbers of a normalisation that is shown in a message.
const SHOWN: usize = 4;

pub(super) fn check(
    config: &VggConfig,
    names: usize,
    preprocessing: &Preprocessing,
) -> Result<(), ClassifierError> {
    if names != config.classes {
        let classes = config.classes;
        return Err(ClassifierError::Classes { names, classes });
    }
    let [channels, height, width] = preprocessing.shape;
    if channels != config.input_channels {
        return Err(ClassifierError::Channels {
            expected: config.input_channels,
            found: channels,
        });
    }
    let short_side = match preprocessing.fit {
        Fit::CentreCrop { short_side } => short_side,
        _ => 0,
    };
    for (what, found) in [
        ("a height", height),
        ("a width", width),
        ("a short side", short_side),
    ] {
        if found > MOST_SIDE {
            let most = MOST_SIDE;
            return Err(ClassifierError::TooLarge { what, found, most });
        }
    }
    let fits = config.check_input([1, channels, height, width]);
    fits.map_err(|source| ClassifierError::Size {
        found: [height, width],
        source,
    })?;
    check_normalization(&preprocessing.normalization, channels)
}

fn check_normalization(
    normalization: &Normalization,
    channels: usize,
) -> Result<(), ClassifierError> {
    let Normalization { mean, deviation } = normalization;
    let wrong = |reason: String| {
        let shown = |values: &[f32]| values.iter().copied().take(SHOWN).collect();
        Err(ClassifierError::Normalization {
            mean: shown(mean),
            deviation: shown(deviation),
            reason,
        })
    };
    if [mean.len(), deviation.len()] != [channels; 2] {
        return wrong(format!(
            "{} means and {} deviations for {channels} channels",
            mean.len(),
            deviation.len()
        ));
    }
    if !mean.iter().all(|mean| mean.is_finite()) {
        return wrong("every mean must be finite".to_owned());
    }
    // Of the smallest numbers the inverse is not finite.
    if !deviation
        .iter()
        .all(|&deviation| deviation.is_normal() && deviation > 0.0)
    {
        return wrong("every deviation must be finite and above 0".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said to a network for 28×28 with this preprocessing.
    fn message(change: impl FnOnce(&mut Preprocessing)) -> String {
        let config = VggConfig::named("vgg16-28").expect("known");
        let mut preprocessing = Preprocessing {
            shape: [1, 28, 28],
            fit: Fit::Object,
            normalization: Normalization::new(vec![0.5], vec![0.5]),
            ..Preprocessing::imagenet()
        };
        assert_eq!(check(&config, 10, &preprocessing), Ok(()));
        change(&mut preprocessing);
        let error = check(&config, 10, &preprocessing).expect_err("refused");
        error.to_string()
    }

    #[test]
    fn images_must_fit_the_network() {
        for (shape, expected) in [
            (
                [1, 1 << 20, 1 << 20],
                "a height of 1048576 pixels; the most is 4096",
            ),
            ([1, 28, 1 << 33], "a width of 8589934592 pixels"),
            (
                [1 << 40, 28, 28],
                "images of 1099511627776 channels for a network of 1",
            ),
            (
                [1, 8, 28],
                "images of 8×28: an input of 8×28 pixels does not survive 4 poolings",
            ),
            ([1, 0, 0], "images of 0×0: "),
            (
                [1, 64, 64],
                "the linear layers take the 1×1 feature map of a 28×28 image",
            ),
        ] {
            let message = message(|preprocessing| preprocessing.shape = shape);
            assert!(message.contains(expected), "{message}");
        }
        let message = message(|it| {
            it.fit = Fit::CentreCrop {
                short_side: 1 << 40,
            }
        });
        assert!(
            message.contains("a short side of 1099511627776 pixels"),
            "{message}"
        );
    }

    #[test]
    fn a_normalisation_makes_numbers() {
        for (mean, deviation, expected) in [
            (
                vec![0.5; 3],
                vec![0.5],
                "3 means and 1 deviations for 1 channels",
            ),
            (vec![], vec![], "0 means"),
            (vec![f32::NAN], vec![1.0], "every mean must be finite"),
            (
                vec![0.5],
                vec![0.0],
                "every deviation must be finite and above 0",
            ),
            (vec![0.5], vec![-1.0], "above 0"),
            (vec![0.5], vec![f32::NAN], "above 0"),
            (vec![0.5], vec![f32::INFINITY], "above 0"),
            (vec![0.5], vec![1e-40], "above 0"),
        ] {
            let message = message(|it| it.normalization = Normalization::new(mean, deviation));
            assert!(message.contains(expected), "{message}");
        }
        let config = VggConfig::named("vgg16").expect("known");
        let message = check(&config, 10, &Preprocessing::imagenet()).expect_err("ten names");
        assert_eq!(message.to_string(), "10 names for 1000 classes");
    }
}
