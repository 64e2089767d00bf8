//! What is timed: a network, a batch, and what is done with it.

use std::error::Error;
use std::fmt::{self, Display};

use burn::tensor::{Device, Distribution, Tensor};
use cost::{Optimizer, Options, analyse};
use vgg::VggConfig;

use crate::Task;

/// A network, a batch, and what is done with it.
#[derive(Clone)]
pub struct Workload {
    /// The network's name.
    pub model: String,
    /// The network.
    pub config: VggConfig,
    /// Images in a call.
    pub batch: usize,
    /// What a call does.
    pub task: Task,
}

/// What `cost` counts of one call.
#[derive(Clone, Copy)]
pub struct Count {
    /// Multiplications, additions and divisions.
    pub flops: u128,
    /// Bytes that the operations of inference read and write, each tensor once for each operation; 0
    /// for a training step, as `cost` counts no bytes of a backward pass.
    pub bytes: u128,
    /// The most memory that is alive at once.
    pub memory: u128,
}

impl Workload {
    /// The network of this name.
    ///
    /// # Errors
    /// An unknown name, or no images.
    pub fn new(model: &str, batch: usize, task: Task) -> Result<Self, Box<dyn Error>> {
        if batch == 0 {
            return Err("a batch holds at least one image, found --batch 0".into());
        }
        Ok(Self {
            model: model.into(),
            config: VggConfig::named(model)?,
            batch,
            task,
        })
    }

    /// Of a batch: images, channels, height, width.
    pub fn shape(&self) -> [usize; 4] {
        let [height, width] = self.config.input_size;
        [self.batch, self.config.input_channels, height, width]
    }

    /// A batch of noise.
    pub fn images(&self, device: &Device) -> Tensor<4> {
        Tensor::random(self.shape(), Distribution::Normal(0.0, 1.0), device)
    }

    /// What `cost` counts of one call.
    ///
    /// # Errors
    /// The network cannot be made or recorded.
    pub fn count(&self) -> Result<Count, Box<dyn Error>> {
        let shape = self.shape();
        let network = self.config.init(&vgg::device(first_backend()?)?)?;
        let analysis = analyse(&network, |network, inputs| {
            network.forward(inputs.float(shape))
        })?;
        let mut options = Options::default().with_convention(cost::convention::FLOPS);
        options = match self.task {
            Task::Inference => options,
            Task::Sgd => options.with_training(Optimizer::Momentum),
            Task::Adam => options.with_training(Optimizer::Adam),
        };
        let report = analysis.report(&options);
        let bytes = report.total.work.read + report.total.work.written;
        Ok(match report.training {
            Some(training) => Count {
                flops: training.forward + training.backward + training.update.flops(),
                bytes: 0,
                memory: training.memory.peak,
            },
            None => Count {
                flops: report.total.cost,
                bytes,
                memory: report.inference.peak,
            },
        })
    }
}

impl Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, batch {}", self.model, self.task, self.batch)
    }
}

fn first_backend() -> Result<&'static str, Box<dyn Error>> {
    let first = vgg::device::compiled_backends().first().copied();
    first.ok_or_else(|| "no backend is compiled in".into())
}
