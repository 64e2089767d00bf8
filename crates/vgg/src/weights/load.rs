//! From a file into a network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::error::WeightsError;
use super::header::WeightsHeader;
use super::keys::{Layout, file_name, module_paths};
use super::tensor_file::{Entry, TensorFile};
use crate::config::VggConfig;
use crate::model::Vgg;

/// Which part of a network takes its weights from a file. The rest keeps what it has, and what
/// the file holds for it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// All but the last linear layer: for other classes than the file's network tells apart.
    WithoutOutput,
    /// The convolutions and their norms.
    Features,
}

impl Part {
    /// Whether it holds the module at `path` in a network.
    fn holds(self, path: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::WithoutOutput => !path.starts_with("output"),
            Self::Features => path.starts_with("blocks."),
        }
    }
}

/// What was noticed while weights were loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// Tensors that hold NaN or infinite numbers, by their names in the file. Whatever they take
    /// part in computing is as useless.
    pub not_finite: Vec<String>,
}

impl Vgg {
    /// The network with the weights of the file at `path`: safetensors, or with feature
    /// `pytorch` a file of `torch.save`, in torchvision's or timm's names. Numbers of other
    /// precisions become `f32`; `num_batches_tracked` is ignored.
    ///
    /// # Errors
    /// A file that cannot be read or was cut off, or the weights of another network, with the
    /// names of what does not fit.
    pub fn load(self, path: &Path) -> Result<Self, WeightsError> {
        Ok(self.load_part(path, Part::Whole)?.0)
    }

    /// [`Vgg::load`] of a part of the network, with what was noticed on the way.
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use vgg::{Part, VggConfig};
    ///
    /// // A head of our own on published features.
    /// let network = VggConfig::named("vgg16")?.with_classes(5).init(&Device::flex())?;
    /// let (network, report) = network.load_part("vgg16.pth".as_ref(), Part::WithoutOutput)?;
    /// assert!(report.not_finite.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Vgg::load`].
    pub fn load_part(self, path: &Path, part: Part) -> Result<(Self, LoadReport), WeightsError> {
        self.take_from(path, TensorFile::open(path)?, part)
    }

    /// [`Vgg::load`] from a whole safetensors file in memory; `name` is for messages only.
    ///
    /// # Errors
    /// As for [`Vgg::load`].
    pub fn load_bytes(self, name: &Path, bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = TensorFile::from_bytes(name, bytes)?;
        Ok(self.take_from(name, file, Part::Whole)?.0)
    }

    /// The network that the file at `path` describes, with its weights, on `device`.
    ///
    /// # Errors
    /// As for [`Vgg::load`], and a file that was not written by this crate.
    pub fn from_file(path: &Path, device: &Device) -> Result<Self, WeightsError> {
        let config = WeightsHeader::read(path)?.config()?;
        let network = config.init(device);
        let config_error = |source| WeightsError::Config {
            path: path.to_owned(),
            source,
        };
        network.map_err(config_error)?.load(path)
    }

    fn take_from(
        self,
        path: &Path,
        file: TensorFile,
        part: Part,
    ) -> Result<(Self, LoadReport), WeightsError> {
        let mut loader = Loader::new(&self, path, file, part)?;
        let network = loader.load(self)?;
        Ok((network, loader.report))
    }

    /// The parameters that are to come from the file, by their paths in the network.
    fn wanted(&self, file: &TensorFile, part: Part) -> BTreeMap<String, Wanted> {
        let layout = Layout::of(file.entries.keys().map(String::as_str));
        let mut shapes = Shapes::default();
        self.visit(&mut shapes);
        let paths = module_paths(self.config(), layout);
        let wanted = shapes.found.into_iter().filter_map(|(own, shape)| {
            let name = file_name(&paths, &own)?;
            part.holds(&own).then_some((own, Wanted { name, shape }))
        });
        wanted.collect()
    }
}

/// A parameter as a file should have it.
struct Wanted {
    name: String,
    /// The file's shape: that of a linear layer's weights is turned around.
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

/// Lists all that does not fit, before a number is read.
fn check(
    path: &Path,
    config: &VggConfig,
    wanted: &BTreeMap<String, Wanted>,
    file: &TensorFile,
    part: Part,
) -> Result<(), WeightsError> {
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
    let layout = Layout::of(file.entries.keys().map(String::as_str));
    let left_out: Vec<_> = module_paths(config, layout)
        .into_iter()
        .filter(|(own, _)| !part.holds(own))
        .map(|(_, name)| name)
        .collect();
    let is_left_out = |name: &str| {
        let module = name.rsplit_once('.').map_or(name, |(module, _)| module);
        // Without its head a network says nothing about what the head was like.
        left_out.iter().any(|left| left == module)
            || part == Part::Features && !module.starts_with("features")
    };
    let unexpected: Vec<_> = file
        .entries
        .keys()
        .filter(|name| !known.contains(name.as_str()) && !is_left_out(name))
        .filter(|name| !name.ends_with("num_batches_tracked"))
        .cloned()
        .collect();
    if missing.is_empty() && unexpected.is_empty() && misshapen.is_empty() {
        return Ok(());
    }
    Err(WeightsError::Mismatch {
        path: path.to_owned(),
        missing,
        unexpected,
        misshapen,
    })
}

/// Collects the shapes that the parameters have in a file.
#[derive(Default)]
struct Shapes {
    path: Vec<String>,
    containers: Vec<String>,
    found: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(name.to_owned());
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        if self
            .containers
            .last()
            .is_some_and(|name| name == "Struct:Linear")
        {
            shape.reverse();
        }
        self.found.insert(self.path.join("."), shape);
    }
}

/// Puts the file's tensors in the places of the parameters.
pub(crate) struct Loader<'a> {
    file: TensorFile<'a>,
    /// From a parameter's path in the network to its name in the file.
    names: BTreeMap<String, String>,
    path: Vec<String>,
    report: LoadReport,
    error: Option<WeightsError>,
}

#[cfg(feature = "winograd")]
impl Loader<'static> {
    /// For all of `network`, whose parts are loaded one by one.
    pub(crate) fn open(network: &Vgg, path: &Path) -> Result<Self, WeightsError> {
        Self::new(network, path, TensorFile::open(path)?, Part::Whole)
    }
}

impl<'a> Loader<'a> {
    /// Checks that the file holds what the network needs.
    fn new(
        network: &Vgg,
        path: &Path,
        mut file: TensorFile<'a>,
        part: Part,
    ) -> Result<Self, WeightsError> {
        file.strip_prefix();
        let wanted = network.wanted(&file, part);
        check(path, network.config(), &wanted, &file, part)?;
        let names = wanted.into_iter().map(|(own, tensor)| (own, tensor.name));
        Ok(Self {
            file,
            names: names.collect(),
            path: Vec::new(),
            report: LoadReport::default(),
            error: None,
        })
    }

    /// The network with its weights.
    fn load(&mut self, network: Vgg) -> Result<Vgg, WeightsError> {
        let network = network.map(self);
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(network),
        }
    }

    /// The numbers of the parameter at `path` in the network, in the order of the file; `None` if
    /// the network has no such parameter.
    #[cfg(feature = "winograd")]
    pub(crate) fn numbers(&mut self, path: &str) -> Option<Result<TensorData, WeightsError>> {
        let name = self.names.get(path)?;
        Some(self.file.take(name))
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

fn is_finite(data: &TensorData) -> bool {
    data.as_slice::<f32>()
        .is_ok_and(|values| values.iter().all(|value| value.is_finite()))
}
