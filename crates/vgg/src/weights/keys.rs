//! What each parameter is called in a file, derived from the configuration.

use crate::config::VggConfig;

/// Whose names a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `features` numbers convolutions, norms, ReLUs and poolings through, and `classifier`
    /// linears, ReLUs and dropouts.
    Torchvision,
    /// `features` as in torchvision; the hidden linear layers are `pre_logits.fc1`,
    /// `pre_logits.fc2`, stored as convolutions, and the last one is `head.fc`.
    Timm,
}

impl Layout {
    /// The layout of a file with these names.
    pub(super) fn of<'a>(mut names: impl Iterator<Item = &'a str>) -> Self {
        let timm = names.any(|name| name.starts_with("pre_logits.") || name.starts_with("head."));
        if timm { Self::Timm } else { Self::Torchvision }
    }
}

/// Module paths in pairs: ours, and the file's.
pub(super) fn module_paths(config: &VggConfig, layout: Layout) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut index = 0;
    for (block, blocks) in config.blocks.iter().enumerate() {
        for layer in 0..blocks.convolutions {
            let own = format!("blocks.{block}.layers.{layer}");
            pairs.push((format!("{own}.conv"), format!("features.{index}")));
            index += 1;
            if config.batch_norm {
                pairs.push((format!("{own}.norm"), format!("features.{index}")));
                index += 1;
            }
            index += 1; // ReLU
        }
        index += 1; // pooling
    }
    for hidden in 0..config.hidden.len() {
        let file = match layout {
            Layout::Torchvision => format!("classifier.{}", 3 * hidden),
            Layout::Timm => format!("pre_logits.fc{}", hidden + 1),
        };
        pairs.push((format!("hidden.{hidden}.linear"), file));
    }
    let last = match layout {
        Layout::Torchvision => format!("classifier.{}", 3 * config.hidden.len()),
        Layout::Timm => "head.fc".to_owned(),
    };
    pairs.push(("output".to_owned(), last));
    pairs
}

/// The file's name of the parameter that is `own` here; `None` for one that has none.
pub(super) fn file_name(paths: &[(String, String)], own: &str) -> Option<String> {
    let (module, leaf) = own.rsplit_once('.')?;
    let (_, file) = paths.iter().find(|(path, _)| path == module)?;
    let leaf = match leaf {
        "gamma" => "weight",
        "beta" => "bias",
        other => other,
    };
    Some(format!("{file}.{leaf}"))
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
                let paths = module_paths(&config, layout);
                assert_eq!(file_name(&paths, own).as_deref(), Some(expected));
            }
        }
        let paths = module_paths(&config, Layout::Timm);
        assert_eq!(file_name(&paths, "nothing.weight"), None);
    }
}
