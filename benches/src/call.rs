//! One call of a network on one device.

use std::error::Error;
use std::hint::black_box;

use burn::module::{Module, Param};
use burn::optim::{AdamConfig, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::tensor::{Device, Int, Tensor};
use burn::train::TrainStep;
use vgg::train::{ImageBatch, Learning, OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, Vgg};

use crate::{Implementation, Task, Workload};

/// One call, over when it returns.
pub type Call = Box<dyn FnMut() -> Result<(), Box<dyn Error>>>;

/// Small, so that random labels do not drive the weights away.
const LEARNING_RATE: f64 = 1e-4;

impl Workload {
    /// One forward pass, or one training step, with random weights.
    ///
    /// # Errors
    /// The network cannot be made, or the implementation does not do this.
    pub fn call(
        &self,
        implementation: Implementation,
        device: &Device,
    ) -> Result<Call, Box<dyn Error>> {
        match (self.task, implementation) {
            (Task::Inference, Implementation::Prepared | Implementation::PreparedHalf) => {
                self.prepared(implementation, device)
            }
            (Task::Inference, _) => self.forward(implementation, device),
            (Task::Sgd | Task::Adam, _) => self.step(implementation, device),
        }
    }

    fn prepared(
        &self,
        implementation: Implementation,
        device: &Device,
    ) -> Result<Call, Box<dyn Error>> {
        let network = as_loaded(self.config.init(device)?);
        let prepared = match implementation {
            Implementation::PreparedHalf => network.prepare_half()?,
            _ => network.prepare(),
        };
        drop(network);
        let images = self.images(device);
        Ok(Box::new(move || {
            black_box(prepared.forward(images.clone())?.try_into_vec_as::<f32>()?);
            Ok(())
        }))
    }

    fn forward(
        &self,
        implementation: Implementation,
        device: &Device,
    ) -> Result<Call, Box<dyn Error>> {
        let network = self.config.init(device)?;
        let network = network.with_engine(implementation.engine());
        let images = self.images(device);
        Ok(Box::new(move || {
            // Reading the logits waits for a GPU; `try_into_data` alone would not.
            black_box(network.forward(images.clone())?.try_into_vec_as::<f32>()?);
            Ok(())
        }))
    }

    fn step(
        &self,
        implementation: Implementation,
        device: &Device,
    ) -> Result<Call, Box<dyn Error>> {
        let device = device.clone().autodiff();
        let network = self.config.init(&device)?;
        let network = network.with_engine(implementation.engine()).train();
        let mut optimizer = match implementation {
            Implementation::Burn => burns_optimizer(self.task),
            _ => own_optimizer(self.task)?,
        };
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
            learning = Some(optimizer.step(LEARNING_RATE, current, output.grads));
            black_box(output.item.loss.try_into_vec_as::<f32>()?);
            device.sync()?;
            Ok(())
        }))
    }
}

/// The network with the weights of its linear layers in the order in which files have them, as whoever loads one gets
/// it.
fn as_loaded(mut network: Vgg) -> Vgg {
    let hidden = network.hidden.iter_mut().map(|layer| &mut layer.linear);
    for linear in hidden.chain([&mut network.output]) {
        let weight = linear.weight.val();
        let device = weight.device();
        let stored = Tensor::<2>::from_data(weight.transpose().into_data(), &device);
        linear.weight = Param::from_tensor(stored.transpose());
    }
    network
}

/// This project's optimizers, which go over memory once.
fn own_optimizer(task: Task) -> Result<ModuleOptimizer, Box<dyn Error>> {
    let kind = match task {
        Task::Adam => OptimizerKind::AdamW,
        Task::Sgd | Task::Inference => OptimizerKind::Sgd,
    };
    let config = TrainConfig::new(kind, LEARNING_RATE).with_weight_decay(0.0);
    Ok(optimizer(&config, Engine::default())?)
}

fn burns_optimizer(task: Task) -> ModuleOptimizer {
    let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
    match task {
        Task::Adam => AdamConfig::new().init(),
        Task::Sgd | Task::Inference => SgdConfig::new().with_momentum(Some(momentum)).init(),
    }
}
