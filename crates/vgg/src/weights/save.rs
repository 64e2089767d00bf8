//! From a network into a file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use burn::config::Config;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use safetensors::tensor::{Dtype, TensorInfo};
use serde::Serialize;

use super::error::{CONFIG_KEY, WeightsError};
use super::keys::{Layout, Paths};
use super::parameters::shapes;
use crate::device::failure;
use crate::model::Vgg;
use crate::whole::write_whole;

/// How numbers are stored.
#[derive(Config, Debug, PartialEq, Eq, Copy)]
pub enum Precision {
    /// 32 bits, exactly what was trained.
    F32,
    /// 16 bits: half the size, 11 significant bits.
    F16,
}

impl Precision {
    fn dtype(self) -> (Dtype, DType) {
        match self {
            Self::F32 => (Dtype::F32, DType::F32),
            Self::F16 => (Dtype::F16, DType::F16),
        }
    }
}

impl Vgg {
    /// Saves the weights to the safetensors file at `path`, which is there whole or not at all, and the same to
    /// the last byte for the same weights. `entries` are further metadata: keys and texts.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(
        &self,
        path: &Path,
        precision: Precision,
        entries: &[(&str, String)],
    ) -> Result<(), WeightsError> {
        let metadata_error = |error: serde_json::Error| WeightsError::Metadata {
            path: path.to_owned(),
            key: CONFIG_KEY.to_owned(),
            reason: error.to_string(),
        };
        let config = serde_json::to_string(self.config()).map_err(metadata_error)?;
        let mut metadata = BTreeMap::from([("format", "pt"), (CONFIG_KEY, &config)]);
        metadata.extend(entries.iter().map(|(key, text)| (*key, text.as_str())));
        let plan = Plan::new(self, precision, metadata);
        let header = plan.header().map_err(metadata_error)?;
        write_whole(path, |file| {
            file.write_all(&header)?;
            plan.write(self, file)
        })
        .map_err(|source| WeightsError::io(path, source))
    }
}

/// Where in a file everything goes.
struct Plan<'a> {
    metadata: BTreeMap<&'a str, &'a str>,
    /// By names in the file, which is the order of the tensors.
    tensors: BTreeMap<String, TensorInfo>,
    /// Paths in the network, in the same order.
    order: Vec<String>,
    precision: Precision,
}

/// The file's header: maps that are sorted, so that the same network gives the same bytes.
#[derive(Serialize)]
struct Header<'a> {
    #[serde(rename = "__metadata__")]
    metadata: &'a BTreeMap<&'a str, &'a str>,
    #[serde(flatten)]
    tensors: &'a BTreeMap<String, TensorInfo>,
}

impl<'a> Plan<'a> {
    fn new(network: &Vgg, precision: Precision, metadata: BTreeMap<&'a str, &'a str>) -> Self {
        let paths = Paths::new(network.config(), &Layout::Torchvision);
        let named = shapes(network).into_iter();
        let named = named.filter_map(|(own, shape)| Some((paths.name(&own)?, (own, shape))));
        let named: BTreeMap<_, _> = named.collect();
        let (dtype, number) = precision.dtype();
        let (mut start, mut tensors, mut order) = (0, BTreeMap::new(), Vec::new());
        for (name, (own, shape)) in named {
            let end = start + shape.iter().product::<usize>() * number.size();
            let info = TensorInfo {
                dtype,
                shape,
                data_offsets: (start, end),
            };
            start = end;
            tensors.insert(name, info);
            order.push(own);
        }
        Self {
            metadata,
            tensors,
            order,
            precision,
        }
    }

    /// Its length in eight bytes, and the header, with spaces up to a multiple of eight.
    fn header(&self) -> Result<Vec<u8>, serde_json::Error> {
        let header = Header {
            metadata: &self.metadata,
            tensors: &self.tensors,
        };
        let mut json = serde_json::to_vec(&header)?;
        json.resize(json.len().next_multiple_of(8), b' ');
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.append(&mut json);
        Ok(bytes)
    }

    /// The numbers, one tensor after the other.
    fn write(&self, network: &Vgg, file: &mut File) -> io::Result<()> {
        let mut tensors = Tensors::default();
        network.visit(&mut tensors);
        for own in &self.order {
            let read = tensors.found.remove(own);
            let read = read.ok_or_else(|| io::Error::other(format!("{own} is not there")))?;
            let bytes = read(self.precision)
                .map_err(|reason| io::Error::other(format!("{own}: {reason}")))?;
            file.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// Reads a tensor from its device.
type Read = Box<dyn FnOnce(Precision) -> Result<burn::tensor::Bytes, String>>;

/// The tensors of a network, none of which is read yet.
#[derive(Default)]
struct Tensors {
    path: Vec<String>,
    found: BTreeMap<String, Read>,
}

impl ModuleVisitor for Tensors {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let param = param.clone();
        let read = move |precision: Precision| {
            let tensor = param.val();
            // A linear layer's weights are turned around in files.
            let tensor = if D == 2 {
                tensor.swap_dims(0, 1)
            } else {
                tensor
            };
            let data = tensor.try_into_data().map_err(failure)?;
            if precision == Precision::F16 {
                fits_half(data.as_slice().map_err(|error| format!("{error:?}"))?)?;
            }
            Ok(data.convert_dtype(precision.dtype().1).into_bytes())
        };
        self.found.insert(self.path.join("."), Box::new(read));
    }
}

/// Numbers that 16 bits cannot hold would become infinite.
fn fits_half(values: &[f32]) -> Result<(), String> {
    const LARGEST: f32 = 65_504.0;
    let large = values
        .iter()
        .find(|value| value.is_finite() && value.abs() > LARGEST);
    large.map_or(Ok(()), |value| {
        Err(format!(
            "{value} does not fit into 16 bits; the largest number is {LARGEST}"
        ))
    })
}
