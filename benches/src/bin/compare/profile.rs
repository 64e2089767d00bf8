//! Where the time goes: the network taken layer by layer on a backend.
//!
//! Engine `burn` times every operation of the network as `cost` lists it: convolution,
//! normalisation, ReLU, pooling, linear layer. Engine `winograd` computes a block at once, so that a
//! block is its smallest part, and a hidden layer with its ReLU.

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::{Peaks, Workload, median};
use burn::nn::pool::{AdaptiveAvgPool2dConfig, MaxPool2dConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use cost::{Options, analyse};
use serde::Serialize;
use vgg::{Engine, Pooling, Vgg};

use crate::device_peaks::DevicePeaks;
use crate::machine::Machine;
use crate::trial::Backend;

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
    pub(crate) flops: u64,
    pub(crate) bytes: u64,
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

/// What flows through the network.
#[derive(Clone)]
enum Value {
    Map(Tensor<4>),
    Vector(Tensor<2>),
}

/// One part of the network.
struct Part<'a> {
    path: String,
    kind: &'static str,
    apply: Box<dyn Fn(Value) -> Value + 'a>,
}

impl<'a> Part<'a> {
    fn map(path: String, kind: &'static str, f: impl Fn(Tensor<4>) -> Tensor<4> + 'a) -> Self {
        let apply = move |value| match value {
            Value::Map(map) => Value::Map(f(map)),
            other => other,
        };
        Self {
            path,
            kind,
            apply: Box::new(apply),
        }
    }

    fn vector(path: String, kind: &'static str, f: impl Fn(Tensor<2>) -> Tensor<2> + 'a) -> Self {
        let apply = move |value| match value {
            Value::Map(map) => Value::Vector(f(map.flatten(1, 3))),
            Value::Vector(vector) => Value::Vector(f(vector)),
        };
        Self {
            path,
            kind,
            apply: Box::new(apply),
        }
    }
}

fn parts(network: &Vgg, engine: Engine) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (index, block) in network.blocks.iter().enumerate() {
        let path = format!("blocks.{index}");
        if engine != Engine::Burn {
            parts.push(Part::map(path, "block", move |map| block.forward(map)));
            continue;
        }
        for (index, layer) in block.layers.iter().enumerate() {
            let path = format!("{path}.layers.{index}");
            let conv = Part::map(format!("{path}.conv"), "convolution", move |map| {
                layer.conv.forward(map)
            });
            parts.push(conv);
            if let Some(norm) = &layer.norm {
                let norm = Part::map(format!("{path}.norm"), "normalisation", move |map| {
                    norm.forward(map)
                });
                parts.push(norm);
            }
            parts.push(Part::map(format!("{path}.relu"), "ReLU", relu));
        }
        let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        let pool = move |map| pool.forward(map);
        parts.push(Part::map(format!("{path}.pool"), "pooling", pool));
    }
    let pooling = &network.config().pooling;
    if *pooling != Pooling::Flatten {
        let average = AdaptiveAvgPool2dConfig::new(pooling.output_size([0, 0])).init();
        let average = move |map| average.forward(map);
        parts.push(Part::map("average".into(), "pooling", average));
    }
    for (index, layer) in network.hidden.iter().enumerate() {
        if engine != Engine::Burn {
            let path = format!("hidden.{index}");
            parts.push(Part::vector(path, "linear", move |vector| {
                layer.forward(vector)
            }));
            continue;
        }
        parts.push(Part::vector(
            format!("hidden.{index}.linear"),
            "linear",
            move |vector| layer.linear.forward(vector),
        ));
        parts.push(Part::vector(format!("hidden.{index}.relu"), "ReLU", relu));
    }
    parts.push(Part::vector("output".into(), "linear", move |vector| {
        network.output_layer(vector)
    }));
    parts
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
        let parts = parts(&network, engine);
        let whole = || -> Result<f64, Box<dyn Error>> {
            let start = Instant::now();
            let logits = network.forward(images.clone())?;
            device.sync()?;
            let time = start.elapsed().as_secs_f64() * 1e3;
            drop(black_box(logits));
            Ok(time)
        };
        let mut times = vec![Vec::new(); parts.len()];
        let mut wholes = Vec::new();
        whole()?;
        let mut start = Instant::now();
        let mut warm = false;
        while !warm || wholes.len() < 3 || start.elapsed() < time {
            let mut value = Value::Map(images.clone());
            device.sync()?;
            for (part, times) in parts.iter().zip(&mut times) {
                let before = Instant::now();
                value = (part.apply)(value);
                device.sync()?;
                times.push(before.elapsed().as_secs_f64() * 1e3);
            }
            drop(black_box(value));
            wholes.push(whole()?);
            if !warm {
                // The first pass prepares what later ones use again.
                times.iter_mut().for_each(Vec::clear);
                wholes.clear();
                warm = true;
                start = Instant::now();
            }
        }
        let layers = parts.iter().zip(&times).map(|(part, times)| {
            let (flops, bytes) = under(&counts, &part.path);
            Layer {
                path: part.path.clone(),
                kind: part.kind.into(),
                milliseconds: median(times),
                flops,
                bytes,
            }
        });
        let all = DevicePeaks::of_all(std::slice::from_ref(backend))?;
        let peaks = DevicePeaks::find(&all, &backend.name);
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

type Counts = BTreeMap<String, (u64, u64)>;

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
fn under(counts: &Counts, path: &str) -> (u64, u64) {
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
