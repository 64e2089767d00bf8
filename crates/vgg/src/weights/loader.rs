//! Puts the numbers of a file into a network, one tensor at a time.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::check::{plan, with_classes_of};
use super::error::WeightsError;
use super::options::{LoadOptions, LoadReport};
use super::tensor_file::TensorFile;
use crate::model::Vgg;

/// Puts the file's tensors in the places of the parameters.
pub(super) struct Loader<'a> {
    file: TensorFile<'a>,
    /// From a parameter's path in the network to its name in the file.
    names: BTreeMap<String, String>,
    path: Vec<String>,
    report: LoadReport,
    error: Option<WeightsError>,
}

impl<'a> Loader<'a> {
    /// Checks that the file holds what the network needs, behind the key that was chosen.
    fn new(
        network: &Vgg,
        file: TensorFile<'a>,
        options: &LoadOptions,
        (key, other_keys): (String, Vec<String>),
    ) -> Result<Self, WeightsError> {
        let plan = plan(&file, network, options)?;
        Ok(Self {
            file,
            names: plan.names,
            path: Vec::new(),
            report: LoadReport {
                not_finite: Vec::new(),
                part: plan.part,
                key,
                other_keys,
            },
            error: None,
        })
    }

    /// `network` with the weights of `file`.
    pub(super) fn load(
        network: Vgg,
        mut file: TensorFile<'a>,
        options: &LoadOptions,
    ) -> Result<(Vgg, LoadReport), WeightsError> {
        let keys = file.choose(options.key.as_deref())?;
        let network = match options.classes_of_file {
            true => with_classes_of(&file, network).map_err(|source| WeightsError::Config {
                path: file.path().to_owned(),
                source,
            })?,
            false => network,
        };
        let mut loader = Self::new(&network, file, options, keys)?;
        let network = network.map(&mut loader);
        match loader.error {
            Some(error) => Err(error),
            None => Ok((network, loader.report)),
        }
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let Some(name) = self.names.get(&self.path.join(".")) else {
            return param;
        };
        let shape = param.lazy_shape().to_vec();
        match self.file.take(name) {
            Ok(data) => {
                if !is_finite(&data) {
                    self.report.not_finite.push(name.clone());
                }
                let (id, device) = (param.id, param.lazy_device());
                param.transform_for_load(tensor(data, shape, &device), id)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

/// `data` as a parameter of `shape`. Weights of a linear layer `[outputs, inputs]` are turned
/// around by looking at them the other way, without a copy.
fn tensor<const D: usize>(data: TensorData, shape: Vec<usize>, device: &Device) -> Tensor<D> {
    if D == 2 {
        let stored: Vec<_> = shape.into_iter().rev().collect();
        Tensor::<D>::from_data(reshaped(data, stored), device).swap_dims(0, 1)
    } else {
        Tensor::from_data(reshaped(data, shape), device)
    }
}

fn reshaped(data: TensorData, shape: Vec<usize>) -> TensorData {
    let dtype = data.dtype();
    TensorData::from_bytes(data.into_bytes(), shape, dtype)
}

/// Whether all of `data`, 32-bit numbers, are numbers.
pub(crate) fn is_finite(data: &TensorData) -> bool {
    data.as_slice::<f32>()
        .is_ok_and(|values| values.iter().all(|value| value.is_finite()))
}
