//! Where the time goes: the network taken layer by layer on a backend.
//!
//! Engine `burn` times every operation of the blocks as `cost` lists it: convolution, normalisation,
//! ReLU, pooling. Engine `winograd` computes a block at once, so that a block is its smallest part. A
//! hidden layer is timed with its ReLU.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{Peaks, Workload, median};
use burn::tensor::Tensor;
use cost::{Options, analyse};
use serde::Serialize;
use vgg::{Engine, FeatureLayer, Stage, Vgg};

use crate::backend::Backend;
use crate::device_peaks::{DevicePeaks, PROCESSOR};
use crate::machine::Machine;

/// A network's layers, timed.
#[derive(Debug, Serialize)]
pub(crate) struct Profile {
    /// As it is shown at the head of a table.
    pub(crate) machine: String,
    pub(crate) model: String,
    pub(crate) batch: usize,
    pub(crate) backend: String,
    pub(crate) engine: String,
    #[serde(flatten)]
    pub(crate) peaks: Peaks,
    pub(crate) layers: Vec<Layer>,
    /// Milliseconds of the forward pass in one piece.
    pub(crate) whole_ms: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Layer {
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) milliseconds: f64,
    pub(crate) flops: u128,
    pub(crate) bytes: u128,
}

impl Layer {
    pub(crate) fn gflops(&self) -> f64 {
        self.flops as f64 / self.milliseconds / 1e6
    }

    pub(crate) fn gigabytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.milliseconds / 1e6
    }

    /// FLOP for each byte read or written.
    pub(crate) fn intensity(&self) -> f64 {
        self.flops as f64 / self.bytes.max(1) as f64
    }

    /// The lower one of the two roofs above it.
    pub(crate) fn bound(&self, peaks: &Peaks) -> &'static str {
        match self.intensity() * peaks.gigabytes_per_second < peaks.gflops {
            true => "memory",
            false => "arithmetic",
        }
    }
}

/// Where the pass is listened to: at every layer of Burn's own, at the ends of blocks otherwise, which winograd computes
/// at once.
fn stops(network: &Vgg, engine: Engine) -> Vec<FeatureLayer> {
    let layers = network.config().feature_layers().into_iter();
    let pool = |layer: &FeatureLayer| matches!(layer, FeatureLayer::Pool { .. });
    layers
        .filter(|layer| engine == Engine::Burn || pool(layer))
        .collect()
}

/// The path of what ends at `stage`, and its kind.
fn part(stage: Stage, engine: Engine) -> (String, &'static str) {
    let path = stage.path();
    match stage {
        Stage::Layer(FeatureLayer::Pool { block }) if engine != Engine::Burn => {
            (format!("blocks.{}", block - 1), "block")
        }
        Stage::Layer(FeatureLayer::Conv { .. }) => (path, "convolution"),
        Stage::Layer(FeatureLayer::Norm { .. }) => (path, "normalisation"),
        Stage::Layer(FeatureLayer::Relu { .. }) => (path, "ReLU"),
        Stage::Layer(FeatureLayer::Pool { .. }) | Stage::Average => (path, "pooling"),
        Stage::Hidden(_) | Stage::Output => (path, "linear"),
    }
}

/// Milliseconds of each part of one pass.
fn pass(
    network: &Vgg,
    images: Tensor<4>,
    stops: &[FeatureLayer],
) -> Result<Vec<(Stage, f64)>, Box<dyn Error>> {
    let device = images.device();
    device.sync()?;
    let (mut parts, mut failed, mut before) = (Vec::new(), None, Instant::now());
    let logits = network.forward_by_stages(images, stops, &mut |stage| {
        if let Err(error) = device.sync() {
            failed.get_or_insert(error);
        }
        parts.push((stage, before.elapsed().as_secs_f64() * 1e3));
        before = Instant::now();
    })?;
    drop(black_box(logits));
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(parts),
    }
}

impl Profile {
    /// Times the layers and the whole pass in turns for `time`.
    pub(crate) fn measure(
        workload: &Workload,
        backend: &Backend,
        engine: Engine,
        time: Duration,
        machine: &Machine,
    ) -> Result<Self, Box<dyn Error>> {
        let device = &backend.device;
        let network = workload.config.init(device)?.with_engine(engine);
        let counts = counts(workload, &network)?;
        let images = workload.images(device);
        let stops = stops(&network, engine);
        let whole = || -> Result<f64, Box<dyn Error>> {
            let start = Instant::now();
            let logits = network.forward(images.clone())?;
            device.sync()?;
            let time = start.elapsed().as_secs_f64() * 1e3;
            drop(black_box(logits));
            Ok(time)
        };
        // The first pass prepares what later ones use again.
        whole()?;
        let parts: Vec<_> = pass(&network, images.clone(), &stops)?
            .into_iter()
            .map(|(stage, _)| part(stage, engine))
            .collect();
        let mut times = vec![Vec::new(); parts.len()];
        let mut wholes = Vec::new();
        let start = Instant::now();
        while wholes.len() < 3 || start.elapsed() < time {
            let pass = pass(&network, images.clone(), &stops)?;
            for ((_, time), times) in pass.iter().zip(&mut times) {
                times.push(*time);
            }
            wholes.push(whole()?);
        }
        let layers = parts.into_iter().zip(&times).map(|((path, kind), times)| {
            let (flops, bytes) = under(&counts, &path);
            Layer {
                path,
                kind: kind.into(),
                milliseconds: median(times),
                flops,
                bytes,
            }
        });
        let all = DevicePeaks::of_all(std::slice::from_ref(backend), machine.threads)?;
        let of = match backend.gpu {
            None => PROCESSOR,
            Some(_) => &backend.name,
        };
        let peaks = DevicePeaks::of(&all, of);
        Ok(Self {
            machine: machine.to_string(),
            model: workload.model.clone(),
            batch: workload.batch,
            backend: backend.name.clone(),
            engine: engine.to_string(),
            peaks: peaks.ok_or("no peaks of the device were measured")?,
            layers: layers.collect(),
            whole_ms: median(&wholes),
        })
    }

    /// Milliseconds of all layers.
    pub(crate) fn sum(&self) -> f64 {
        self.layers.iter().map(|layer| layer.milliseconds).sum()
    }

    pub(crate) fn title(&self) -> String {
        format!(
            "{}, batch {}, {} with engine {}",
            self.model, self.batch, self.backend, self.engine
        )
    }
}

type Counts = BTreeMap<String, (u128, u128)>;

/// FLOP and bytes of each module, by path.
fn counts(workload: &Workload, network: &Vgg) -> Result<Counts, Box<dyn Error>> {
    let shape = workload.shape();
    let analysis = analyse(network, |network, inputs| {
        network.forward(inputs.float(shape))
    })?;
    let options = Options::default().with_convention(cost::convention::FLOPS);
    let rows = analysis.report(&options).rows.into_iter();
    Ok(rows
        .map(|row| (row.path, (row.cost, row.work.read + row.work.written)))
        .collect())
}

/// The counts of the module at `path` and of those inside it.
fn under(counts: &Counts, path: &str) -> (u128, u128) {
    let inside = |other: &str| {
        let rest = other.strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    counts
        .iter()
        .filter(|(other, _)| inside(other))
        .fold((0, 0), |(flops, bytes), (_, part)| {
            (flops + part.0, bytes + part.1)
        })
}
