//! What is timed: one call of a network on one device.

use std::error::Error;
use std::hint::black_box;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn::train::TrainStep;
use cost::{Optimizer, Options, analyse};
use vgg::train::{ImageBatch, Learning, OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, VggConfig};

use crate::peer::peer_workload;

/// A network, a batch, and whether it is trained.
#[derive(Clone)]
pub struct Workload {
    /// The network's name.
    pub model: String,
    /// The network.
    pub config: VggConfig,
    /// Images in a call.
    pub batch: usize,
    /// Whether a call is a training step.
    pub train: bool,
}

/// What `cost` counts of one call.
#[derive(Clone, Copy)]
pub struct Count {
    /// Multiplications, additions and divisions.
    pub flops: u64,
    /// Bytes that the operations of inference read and write, each tensor once for each operation; 0
    /// for a training step, as `cost` counts no bytes of a backward pass.
    pub bytes: u64,
    /// The most memory that is alive at once.
    pub memory: u64,
}

/// One call, over when it returns.
pub type Call = Box<dyn FnMut() -> Result<(), Box<dyn Error>>>;

impl Workload {
    /// The network of this name.
    ///
    /// # Errors
    /// An unknown name, or no images.
    pub fn new(model: &str, batch: usize, train: bool) -> Result<Self, Box<dyn Error>> {
        if batch == 0 {
            return Err("a batch holds at least one image, found --batch 0".into());
        }
        Ok(Self {
            model: model.into(),
            config: VggConfig::named(model)?,
            batch,
            train,
        })
    }

    /// `inference` or `training`.
    pub fn mode(&self) -> &'static str {
        match self.train {
            true => "training",
            false => "inference",
        }
    }

    /// What the program of `--peers` calls it, if it has a name for it.
    pub fn peer_name(&self) -> Option<String> {
        peer_workload(&self.model, self.batch, self.train.then_some("sgd"))
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
        if self.train {
            options = options.with_training(Optimizer::Momentum);
        }
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

    /// One forward pass, or one training step with SGD and momentum, that is over when it returns.
    ///
    /// # Errors
    /// The network cannot be made.
    pub fn call(&self, device: &Device, engine: Engine) -> Result<Call, Box<dyn Error>> {
        match self.train {
            true => self.step(device, engine),
            false => self.forward(device, engine),
        }
    }

    fn forward(&self, device: &Device, engine: Engine) -> Result<Call, Box<dyn Error>> {
        let network = self.config.init(device)?.with_engine(engine);
        let images = self.images(device);
        Ok(Box::new(move || {
            // Reading the logits waits for a GPU; `try_into_data` alone would not.
            black_box(network.forward(images.clone())?.try_into_vec_as::<f32>()?);
            Ok(())
        }))
    }

    fn step(&self, device: &Device, engine: Engine) -> Result<Call, Box<dyn Error>> {
        const RATE: f64 = 1e-4;
        let device = device.clone().autodiff();
        let network = self.config.init(&device)?.with_engine(engine).train();
        let mut optimizer: ModuleOptimizer = optimizer(
            &TrainConfig::new(OptimizerKind::Sgd, RATE).with_weight_decay(0.0),
            engine,
        )?;
        let mut learning = Some(Learning::new(network, 0.0));
        let images = self.images(&device);
        let classes = self.config.classes as i64;
        let targets = Tensor::<1, Int>::arange(0..self.batch as i64, &device) % classes;
        Ok(Box::new(move || {
            let current = learning.take().ok_or("an earlier step failed")?;
            let batch = ImageBatch {
                images: images.clone(),
                targets: targets.clone(),
            };
            let output = TrainStep::step(&current, batch);
            learning = Some(optimizer.step(RATE, current, output.grads));
            black_box(output.item.loss.try_into_vec_as::<f32>()?);
            device.sync()?;
            Ok(())
        }))
    }
}

fn first_backend() -> Result<&'static str, Box<dyn Error>> {
    let first = vgg::compiled_backends().first().copied();
    first.ok_or_else(|| "no backend is compiled in".into())
}
