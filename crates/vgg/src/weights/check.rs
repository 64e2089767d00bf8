//! Whether a file holds the weights that a network needs, before a number is read.

use std::collections::{BTreeMap, BTreeSet};

use super::error::WeightsError;
use super::keys::{Layout, Paths};
use super::options::{LoadOptions, Part};
use super::parameters::shapes;
use super::tensor_file::{Entry, TensorFile};
use crate::config::{ConfigError, VggConfig};
use crate::model::Vgg;

/// Where a network's parameters are in a file.
pub(super) struct Plan {
    /// From a parameter's path in the network to its name in the file.
    pub(super) names: BTreeMap<String, String>,
    /// The part that is taken.
    pub(super) part: Part,
}

/// A parameter as a file should have it.
struct Wanted {
    name: String,
    shape: Vec<usize>,
}

impl Wanted {
    /// Whether `entry` holds it: in the same shape, or a linear layer's weights stored as those
    /// of a convolution over the whole map, which are in the same order.
    fn fits(&self, entry: &Entry) -> bool {
        let as_convolution = || {
            let &[outputs, ref inputs @ ..] = entry.shape.as_slice() else {
                return false;
            };
            let count = inputs.iter().try_fold(1usize, |all, &n| all.checked_mul(n));
            inputs.len() == 3
                && self.shape.len() == 2
                && [Some(outputs), count] == [Some(self.shape[0]), Some(self.shape[1])]
        };
        entry.shape == self.shape || as_convolution()
    }
}

fn layout(config: &VggConfig, file: &TensorFile) -> Layout {
    let names = file.entries.keys().map(String::as_str);
    Layout::of(names, config.hidden.len() + 1)
}

/// `network` with as many classes as the file's tells apart.
pub(super) fn with_classes_of(file: &TensorFile, network: Vgg) -> Result<Vgg, ConfigError> {
    let config = network.config();
    let paths = Paths::new(config, &layout(config, file));
    let output = paths.name("output.weight");
    let output = output.and_then(|name| file.entries.get(&name));
    match output.and_then(|entry| entry.shape.first()) {
        Some(&classes) if classes != config.classes => network.with_classes(classes),
        _ => Ok(network),
    }
}

/// Lists all that does not fit.
pub(super) fn plan(
    file: &TensorFile,
    network: &Vgg,
    options: &LoadOptions,
) -> Result<Plan, WeightsError> {
    let paths = Paths::new(network.config(), &layout(network.config(), file));
    let is_there = |module: &str| file.entries.contains_key(&format!("{module}.weight"));
    let has_linears = || {
        let mut linears = paths.iter().filter(|(own, _)| !Part::Features.holds(own));
        linears.any(|(_, name)| is_there(name))
    };
    let part = match options.features_suffice && !has_linears() {
        true => Part::Features,
        false => options.part,
    };
    let wanted = shapes(network).into_iter().filter_map(|(own, shape)| {
        let name = paths.name(&own)?;
        part.holds(&own).then_some((own, Wanted { name, shape }))
    });
    let wanted: BTreeMap<_, _> = wanted.collect();

    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    let mut known = BTreeSet::new();
    for tensor in wanted.values() {
        known.insert(tensor.name.as_str());
        match file.entries.get(&tensor.name) {
            None => missing.push(tensor.name.clone()),
            Some(entry) if !tensor.fits(entry) => misshapen.push(format!(
                "{} (expected {:?}, found {:?})",
                tensor.name, tensor.shape, entry.shape
            )),
            Some(_) => {}
        }
    }
    let left_out = paths.iter().filter(|(own, _)| !part.holds(own));
    let left_out: BTreeSet<_> = left_out.map(|(_, name)| name).collect();
    let of_features = |name: &str| name.starts_with("features.") || name.starts_with("conv");
    let is_left_out = |name: &str| {
        let module = name.rsplit_once('.').map_or(name, |(module, _)| module);
        // Without its head a network says nothing about what the head was like.
        left_out.contains(module) || part == Part::Features && !of_features(name)
    };
    let unexpected = file.entries.keys().filter(|name| {
        !known.contains(name.as_str())
            && !is_left_out(name)
            && !name.ends_with("num_batches_tracked")
    });
    let unexpected: Vec<_> = unexpected.cloned().collect();
    if !(missing.is_empty() && unexpected.is_empty() && misshapen.is_empty()) {
        return Err(WeightsError::Mismatch {
            path: file.path().to_owned(),
            missing,
            unexpected,
            misshapen,
        });
    }
    let names = wanted.into_iter().map(|(own, tensor)| (own, tensor.name));
    Ok(Plan {
        names: names.collect(),
        part,
    })
}
