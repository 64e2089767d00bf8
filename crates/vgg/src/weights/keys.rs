//! What each parameter is called in a file, derived from the configuration.

use std::collections::HashMap;

use crate::config::VggConfig;

/// What the first convolution's weights are called.
pub(super) const FIRST_NAMES: [&str; 2] = ["features.0.weight", "conv1_1.weight"];

/// Whose names a file uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// `features` numbers convolutions, norms, ReLUs and poolings through, and `classifier`
    /// linears, ReLUs and dropouts.
    Torchvision,
    /// `features` as in torchvision, and linear layers at these places of `classifier`: those of networks that
    /// were converted from Caffe stand at 1, 4 and 6, as a dropout comes first, and a single one may be
    /// `classifier` itself.
    Classifier(Vec<String>),
    /// `features` as in torchvision; the hidden linear layers are `pre_logits.fc1`,
    /// `pre_logits.fc2`, stored as convolutions, and the last one is `head.fc`.
    Timm,
    /// The paper's names, as in Caffe: `conv1_1`, `fc6`.
    Caffe,
}

impl Layout {
    /// The layout of a file with these names, for a network of `linears` linear layers.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str> + Clone, linears: usize) -> Self {
        let any = |start: &str| names.clone().any(|name| name.starts_with(start));
        if any("pre_logits.fc") || any("head.fc.") {
            return Self::Timm;
        }
        if any("conv1_1.") {
            return Self::Caffe;
        }
        let place = |name: &'a str| {
            let place = name.strip_prefix("classifier")?.strip_suffix(".weight")?;
            let number = match place.strip_prefix('.') {
                Some(number) => number.parse::<usize>().ok()?,
                None if place.is_empty() => 0,
                None => return None,
            };
            Some((number, format!("classifier{place}")))
        };
        let mut places: Vec<_> = names.clone().filter_map(place).collect();
        places.sort();
        match places.len() == linears {
            true => Self::Classifier(places.into_iter().map(|(_, path)| path).collect()),
            false => Self::Torchvision,
        }
    }

    /// The path of the linear layer `index`, of `hidden` hidden ones and the last one, behind `blocks` blocks.
    fn linear(&self, index: usize, hidden: usize, blocks: usize) -> String {
        match self {
            Self::Torchvision => format!("classifier.{}", 3 * index),
            Self::Classifier(paths) => paths.get(index).cloned().unwrap_or_default(),
            Self::Timm if index == hidden => "head.fc".to_owned(),
            Self::Timm => format!("pre_logits.fc{}", index + 1),
            Self::Caffe => format!("fc{}", blocks + 1 + index),
        }
    }
}

/// The file's path of each module, by ours.
#[derive(Debug)]
pub(super) struct Paths(HashMap<String, String>);

impl Paths {
    pub(super) fn new(config: &VggConfig, layout: &Layout) -> Self {
        let mut paths = HashMap::new();
        let mut index = 0;
        for (block, blocks) in config.blocks.iter().enumerate() {
            for layer in 0..blocks.convolutions {
                let own = format!("blocks.{block}.layers.{layer}");
                let place = format!("{}_{}", block + 1, layer + 1);
                let mut module = |part: &str, caffe: &str| {
                    let file = match layout {
                        Layout::Caffe => format!("{caffe}{place}"),
                        _ => format!("features.{index}"),
                    };
                    paths.insert(format!("{own}.{part}"), file);
                    index += 1;
                };
                module("conv", "conv");
                if config.batch_norm {
                    module("norm", "bn");
                }
                index += 1; // ReLU
            }
            index += 1; // pooling
        }
        let (hidden, blocks) = (config.hidden.len(), config.blocks.len());
        for layer in 0..hidden {
            let file = layout.linear(layer, hidden, blocks);
            paths.insert(format!("hidden.{layer}.linear"), file);
        }
        paths.insert("output".to_owned(), layout.linear(hidden, hidden, blocks));
        Self(paths)
    }

    /// Ours and the file's.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(own, file)| (own.as_str(), file.as_str()))
    }

    /// The file's name of the parameter that is `own` here; `None` for one that has none.
    pub(super) fn name(&self, own: &str) -> Option<String> {
        let (module, leaf) = own.rsplit_once('.')?;
        let leaf = match leaf {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
        Some(format!("{}.{leaf}", self.0.get(module)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_configuration() {
        let config = VggConfig::named("vgg16-bn").expect("known");
        for (own, torchvision, timm) in [
            (
                "blocks.0.layers.0.conv.weight",
                "features.0.weight",
                "features.0.weight",
            ),
            (
                "blocks.0.layers.1.norm.gamma",
                "features.4.weight",
                "features.4.weight",
            ),
            (
                "blocks.4.layers.2.norm.running_var",
                "features.41.running_var",
                "features.41.running_var",
            ),
            (
                "hidden.0.linear.weight",
                "classifier.0.weight",
                "pre_logits.fc1.weight",
            ),
            (
                "hidden.1.linear.bias",
                "classifier.3.bias",
                "pre_logits.fc2.bias",
            ),
            ("output.weight", "classifier.6.weight", "head.fc.weight"),
        ] {
            for (layout, expected) in [(Layout::Torchvision, torchvision), (Layout::Timm, timm)] {
                let paths = Paths::new(&config, &layout);
                assert_eq!(paths.name(own).as_deref(), Some(expected));
            }
        }
        let paths = Paths::new(&config, &Layout::Caffe);
        for (own, expected) in [
            ("blocks.0.layers.0.conv.weight", "conv1_1.weight"),
            ("blocks.4.layers.2.conv.bias", "conv5_3.bias"),
            ("hidden.0.linear.weight", "fc6.weight"),
            ("output.bias", "fc8.bias"),
        ] {
            assert_eq!(paths.name(own).as_deref(), Some(expected));
        }
        assert_eq!(paths.name("nothing.weight"), None);
    }

    #[test]
    fn a_layout_shows_in_its_names() {
        let places = |places: &[&str]| {
            Layout::Classifier(places.iter().map(|&place| place.to_owned()).collect())
        };
        for (names, linears, expected) in [
            (
                &["features.0.weight", "head.fc.weight"][..],
                3,
                Layout::Timm,
            ),
            (
                &["features.0.weight", "pre_logits.fc1.bias"],
                3,
                Layout::Timm,
            ),
            // A head that somebody gave a network of their own.
            (
                &["features.0.weight", "head.0.weight"],
                3,
                Layout::Torchvision,
            ),
            (&["conv1_1.weight", "fc6.weight"], 3, Layout::Caffe),
            (
                &[
                    "classifier.10.weight",
                    "classifier.4.weight",
                    "classifier.1.weight",
                ],
                3,
                places(&["classifier.1", "classifier.4", "classifier.10"]),
            ),
            (&["classifier.weight"], 1, places(&["classifier"])),
            (&["classifier.1.weight"], 3, Layout::Torchvision),
        ] {
            assert_eq!(
                Layout::of(names.iter().copied(), linears),
                expected,
                "{names:?}"
            );
        }
    }
}
