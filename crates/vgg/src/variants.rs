//! The well-known networks by name.

use crate::config::{BlockConfig, ConfigError, Pooling, VggConfig, WeightInit};

/// Convolutions in each of the five blocks of VGG-11, 13, 16 and 19: configurations A, B, D and
/// E in table 1 of [Simonyan & Zisserman 2014](https://arxiv.org/abs/1409.1556).
const DEPTHS: [(usize, [usize; 5]); 4] = [
    (11, [1, 1, 2, 2, 2]),
    (13, [2, 2, 2, 2, 2]),
    (16, [2, 2, 3, 3, 3]),
    (19, [2, 2, 4, 4, 4]),
];

/// Channels of the blocks, the same for every depth.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Sizes of the two hidden linear layers.
const HIDDEN: [usize; 2] = [4096, 4096];

impl VggConfig {
    /// The configuration of a well-known network:
    ///
    /// - `vgg11`, `vgg13`, `vgg16`, `vgg19`: torchvision's, 3×224×224, 1,000 classes;
    /// - `vgg11-cifar` … `vgg19-cifar`: 3×32×32, ten classes, one linear layer 512 → 10;
    /// - `vgg16-28`: 1×28×28, ten classes, the first four blocks of VGG-16;
    /// - each of them with `-bn` behind the depth (`vgg16-bn-cifar`, `vgg16-bn-28`): with batch
    ///   normalisation.
    ///
    /// # Errors
    /// [`ConfigError::UnknownName`], which lists the names.
    pub fn named(name: &str) -> Result<Self, ConfigError> {
        all()
            .find(|(known, _)| known == name)
            .map(|(_, config)| config)
            .ok_or_else(|| ConfigError::UnknownName {
                name: name.to_owned(),
                known: Self::names().join(", "),
            })
    }

    /// Every name that [`VggConfig::named`] knows.
    pub fn names() -> Vec<String> {
        all().map(|(name, _)| name).collect()
    }
}

fn all() -> impl Iterator<Item = (String, VggConfig)> {
    let plain_and_normalised = [("", false), ("-bn", true)];
    let deep = DEPTHS.into_iter().flat_map(move |(depth, convolutions)| {
        plain_and_normalised
            .into_iter()
            .flat_map(move |(suffix, batch_norm)| {
                let base = blocks(&convolutions);
                [
                    (format!("vgg{depth}{suffix}"), imagenet(base.clone())),
                    (format!("vgg{depth}{suffix}-cifar"), cifar(base)),
                ]
                .map(|(name, config)| (name, config.with_batch_norm(batch_norm)))
            })
    });
    let small = plain_and_normalised.map(|(suffix, batch_norm)| {
        (
            format!("vgg16{suffix}-28"),
            small_grey().with_batch_norm(batch_norm),
        )
    });
    deep.chain(small)
}

fn blocks(convolutions: &[usize]) -> Vec<BlockConfig> {
    convolutions
        .iter()
        .zip(CHANNELS)
        .map(|(&count, channels)| BlockConfig::new(count, channels))
        .collect()
}

fn imagenet(blocks: Vec<BlockConfig>) -> VggConfig {
    VggConfig::new(blocks, Pooling::Adaptive7x7, HIDDEN.to_vec())
        .with_weight_init(WeightInit::Kaiming)
}

fn cifar(blocks: Vec<BlockConfig>) -> VggConfig {
    VggConfig::new(blocks, Pooling::Flatten, vec![])
        .with_input_size([32, 32])
        .with_classes(10)
}

fn small_grey() -> VggConfig {
    VggConfig::new(blocks(&[2, 2, 3, 3]), Pooling::Flatten, HIDDEN.to_vec())
        .with_input_channels(1)
        .with_input_size([28, 28])
        .with_classes(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// torchvision 0.25's counts; `vgg16-28`'s was counted by hand; those of the CIFAR networks
    /// follow from `features + 513·10`.
    #[test]
    fn published_parameter_counts() {
        let published = [
            ("vgg11", 132_863_336),
            ("vgg11-bn", 132_868_840),
            ("vgg13", 133_047_848),
            ("vgg13-bn", 133_053_736),
            ("vgg16", 138_357_544),
            ("vgg16-bn", 138_365_992),
            ("vgg19", 143_667_240),
            ("vgg19-bn", 143_678_248),
            ("vgg16-28", 26_557_642),
            ("vgg16-cifar", 14_714_688 + 513 * 10),
        ];
        for (name, expected) in published {
            let config = VggConfig::named(name).expect(name);
            assert_eq!(config.parameter_count(), expected, "{name}");
        }
    }

    #[test]
    fn every_named_network_is_valid() {
        for name in VggConfig::names() {
            let config = VggConfig::named(&name).expect("listed");
            config
                .validate()
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert_eq!(VggConfig::names().len(), 18);
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = VggConfig::named("vgg17").expect_err("unknown").to_string();
        assert!(message.contains("no network named \"vgg17\""), "{message}");
        assert!(
            message.contains("vgg16-28") && message.contains("vgg19-bn-cifar"),
            "{message}"
        );
    }
}
