//! Which of a file's tensors are the weights: a checkpoint may hold several sets of them, each behind a key.

use std::collections::BTreeSet;

use super::keys::FIRST_NAMES;

/// What wrappers of PyTorch put into names, at any place: `DataParallel` (around the features alone in PyTorch's
/// ImageNet example) and `torch.compile`.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];
/// Parts of the keys of averaged weights, which are taken if there are no others, or by their key.
const AVERAGED: [&str; 3] = ["ema", "swa", "averag"];

/// The keys of a file's sets: what stands in front of their names, wrappers left out.
#[derive(Debug, Default)]
pub(super) struct Sets {
    keys: BTreeSet<String>,
}

impl Sets {
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let key = |name: &str| {
            let name = without_wrappers(name);
            let key = FIRST_NAMES
                .iter()
                .find_map(|first| name.strip_suffix(first))?;
            let whole = key.is_empty() || key.ends_with('.');
            whole.then(|| key.trim_end_matches('.').to_owned())
        };
        Self {
            keys: names.filter_map(key).collect(),
        }
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// The key of the set to take: the one at or below `wanted`, or else the one that stands highest in the file
    /// and is no average. `None` if there is no such set.
    pub(super) fn choose(&self, wanted: Option<&str>) -> Option<&str> {
        let below = |key: &str| {
            wanted.is_none_or(|wanted| inside(key, wanted.trim_end_matches('.')).is_some())
        };
        let averaged = |key: &str| {
            let key = key.to_ascii_lowercase();
            AVERAGED.iter().any(|part| key.contains(part))
        };
        let depth = |key: &str| key.split('.').filter(|part| !part.is_empty()).count();
        self.keys()
            .filter(|key| below(key))
            .min_by_key(|key| (averaged(key), depth(key)))
    }

    /// What the file calls `name` inside the set `key`, without wrappers; `None` for what is not in it.
    pub(super) fn name_in(&self, key: &str, name: &str) -> Option<String> {
        let name = without_wrappers(name);
        let rest = inside(&name, key)?;
        let nested = |other: &&str| *other != key && inside(other, key).is_some();
        let elsewhere = self
            .keys()
            .filter(nested)
            .any(|other| inside(&name, other).is_some());
        (!elsewhere).then(|| rest.to_owned())
    }
}

/// What is behind `key` in `name`.
fn inside<'a>(name: &'a str, key: &str) -> Option<&'a str> {
    if key.is_empty() {
        return Some(name);
    }
    let rest = name.strip_prefix(key)?;
    match rest.is_empty() {
        true => Some(rest),
        false => rest.strip_prefix('.'),
    }
}

fn without_wrappers(name: &str) -> String {
    let parts: Vec<_> = name
        .split('.')
        .filter(|part| !WRAPPERS.contains(part))
        .collect();
    parts.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is taken of a file with these names: the key, and the names in it.
    fn taken(names: &[&str], wanted: Option<&str>) -> Option<(String, Vec<String>)> {
        let sets = Sets::of(names.iter().copied());
        let key = sets.choose(wanted)?;
        let inside = names.iter().filter_map(|name| sets.name_in(key, name));
        Some((key.to_owned(), inside.collect()))
    }

    #[test]
    fn wrappers_and_keys_are_taken_away() {
        for (names, key) in [
            (["features.0.weight", "classifier.0.weight"], ""),
            (["features.module.0.weight", "classifier.0.weight"], ""),
            (
                ["module.features.0.weight", "module.classifier.0.weight"],
                "",
            ),
            (
                [
                    "_orig_mod.features.0.weight",
                    "_orig_mod.classifier.0.weight",
                ],
                "",
            ),
            (
                [
                    "state_dict.module.features.0.weight",
                    "state_dict.module.classifier.0.weight",
                ],
                "state_dict",
            ),
            (
                [
                    "state_dict.features.module.0.weight",
                    "state_dict.classifier.0.weight",
                ],
                "state_dict",
            ),
            (
                [
                    "model._orig_mod.module.features.0.weight",
                    "model.classifier.0.weight",
                ],
                "model",
            ),
        ] {
            let (found, inside) = taken(&names, None).expect(key);
            assert_eq!(found, key, "{names:?}");
            assert_eq!(inside[0], "features.0.weight", "{names:?}");
        }
        let names = ["conv1_1.weight", "fc8.bias"];
        let (key, inside) = taken(&names, None).expect("Caffe's names");
        assert_eq!(
            (key.as_str(), inside),
            ("", names.map(str::to_owned).to_vec())
        );
        assert_eq!(
            taken(&["my_features.0.weight", "layer1.weight"], None),
            None
        );
    }

    #[test]
    fn of_several_sets_a_key_chooses() {
        let names = [
            "model_ema.module.features.0.weight",
            "model.features.0.weight",
            "optimizer.state.0.exp_avg",
        ];
        for (wanted, key) in [
            (None, "model"),
            (Some("model_ema"), "model_ema"),
            (Some("model"), "model"),
        ] {
            let (found, inside) = taken(&names, wanted).expect(key);
            assert_eq!((found.as_str(), inside.len()), (key, 1));
        }
        assert_eq!(taken(&names, Some("mod")), None);
        assert_eq!(taken(&names, Some("optimizer")), None);

        let names = ["features.0.weight", "ema.features.0.weight"];
        assert_eq!(taken(&names, None).expect("one").0, "");
        assert_eq!(taken(&names, None).expect("one").1.len(), 1);
        assert_eq!(taken(&names[1..], None).expect("an average alone").0, "ema");
        let names = ["nets.a.features.0.weight", "nets.b.features.0.weight"];
        assert_eq!(taken(&names, Some("nets.b.")).expect("one").0, "nets.b");
    }
}
