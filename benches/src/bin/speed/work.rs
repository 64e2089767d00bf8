//! What is timed.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::peer_workload;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{
    AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig,
};
use burn::tensor::{Device, Distribution, Int, Tensor};
use vgg::train::{OptimizerKind, TrainConfig, optimizer};
use vgg::{Engine, Vgg, VggConfig};

/// A network, a batch, and what is done.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    network: &'static str,
    batch: usize,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Inference,
    Sgd,
    Adam,
}

/// Who does it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Side {
    Ours,
    /// Ours with the linear layers' weights in half precision.
    Half,
    Burn,
}

/// Milliseconds of one call.
pub(crate) struct Run {
    pub(crate) median: f64,
    pub(crate) least: f64,
}

const fn workload(name: &'static str, network: &'static str, batch: usize, kind: Kind) -> Workload {
    Workload {
        name,
        network,
        batch,
        kind,
    }
}

pub(crate) const WORKLOADS: [Workload; 13] = [
    workload("vgg16-b1", "vgg16", 1, Kind::Inference),
    workload("vgg16-b8", "vgg16", 8, Kind::Inference),
    workload("vgg16-b16", "vgg16", 16, Kind::Inference),
    workload("vgg16-bn-b1", "vgg16-bn", 1, Kind::Inference),
    workload("vgg16-bn-b8", "vgg16-bn", 8, Kind::Inference),
    workload("vgg16-bn-b16", "vgg16-bn", 16, Kind::Inference),
    workload("vgg19-b1", "vgg19", 1, Kind::Inference),
    workload("vgg19-b8", "vgg19", 8, Kind::Inference),
    workload("vgg19-b16", "vgg19", 16, Kind::Inference),
    workload("vgg16-28-b1", "vgg16-28", 1, Kind::Inference),
    workload("vgg16-28-b64", "vgg16-28", 64, Kind::Inference),
    workload("vgg16-28-sgd-b64", "vgg16-28", 64, Kind::Sgd),
    workload("vgg16-28-adam-b64", "vgg16-28", 64, Kind::Adam),
];

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Half => "ours, f16",
            Self::Burn => "burn",
        }
    }

    fn engine(self) -> Engine {
        match self {
            Self::Ours | Self::Half => Engine::default(),
            Self::Burn => Engine::Burn,
        }
    }
}

impl Workload {
    /// What the program of `--peers` calls it, if it has a name for it.
    pub(crate) fn peer_name(&self) -> Option<String> {
        let optimizer = match self.kind {
            Kind::Inference => None,
            Kind::Sgd => Some("sgd"),
            Kind::Adam => Some("adam"),
        };
        peer_workload(self.network, self.batch, optimizer)
    }

    /// Whether half precision makes a difference: at batch 1 reading the weights is what takes time.
    pub(crate) fn has_half(&self) -> bool {
        self.kind == Kind::Inference && self.batch == 1
    }

    /// Calls it for about `turn`, after a warm-up.
    pub(crate) fn time(&self, side: Side, turn: Duration) -> Result<Run, Box<dyn Error>> {
        let config = VggConfig::named(self.network)?;
        match self.kind {
            Kind::Inference => self.inference(&config, side, turn),
            Kind::Sgd | Kind::Adam => self.training(&config, side, turn, self.optimizer(side)?),
        }
    }

    /// SGD with momentum or Adam: this project's, which go over memory once, or Burn's.
    fn optimizer(&self, side: Side) -> Result<ModuleOptimizer, Box<dyn Error>> {
        let sgd = self.kind == Kind::Sgd;
        if side != Side::Burn {
            let kind = match sgd {
                true => OptimizerKind::Sgd,
                false => OptimizerKind::AdamW,
            };
            return Ok(optimizer(
                &TrainConfig::new(kind, 1e-4).with_weight_decay(0.0),
                Engine::default(),
            )?);
        }
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
        Ok(match sgd {
            true => SgdConfig::new().with_momentum(Some(momentum)).init(),
            false => AdamConfig::new().init(),
        })
    }

    fn images(&self, config: &VggConfig, device: &Device) -> Tensor<4> {
        let [height, width] = config.input_size;
        let shape = [self.batch, config.input_channels, height, width];
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), device)
    }

    fn inference(
        &self,
        config: &VggConfig,
        side: Side,
        turn: Duration,
    ) -> Result<Run, Box<dyn Error>> {
        let device = Device::flex();
        let network = config.init(&device)?.with_engine(side.engine());
        let images = self.images(config, &device);
        if side == Side::Burn {
            return Ok(repeat(turn, || {
                black_box(network.forward(images.clone())).is_ok()
            }));
        }
        let prepared = match side {
            Side::Half => network.prepare_half()?,
            _ => network.prepare(),
        };
        Ok(repeat(turn, || {
            black_box(prepared.forward(images.clone())).is_ok()
        }))
    }

    fn training(
        &self,
        config: &VggConfig,
        side: Side,
        turn: Duration,
        mut optimizer: ModuleOptimizer,
    ) -> Result<Run, Box<dyn Error>> {
        let device = Device::flex().autodiff();
        let mut network: Option<Vgg> = Some(config.init(&device)?.with_engine(side.engine()));
        let images = self.images(config, &device);
        let labels = Tensor::<1, Int>::arange(0..self.batch as i64, &device) % 10;
        let loss = CrossEntropyLossConfig::new().init(&device);
        Ok(repeat(turn, || {
            let Some(current) = network.take() else {
                return false;
            };
            let Ok(logits) = current.forward(images.clone()) else {
                return false;
            };
            let gradients = loss.forward(logits, labels.clone()).backward();
            let gradients = GradientsParams::from_grads(gradients, &current);
            network = Some(optimizer.step(1e-4, current, gradients));
            true
        }))
    }
}

/// Calls `call` for about `turn`, at least five times after two that do not count.
fn repeat(turn: Duration, mut call: impl FnMut() -> bool) -> Run {
    for _ in 0..2 {
        call();
    }
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || start.elapsed() < turn {
        let before = Instant::now();
        assert!(call(), "the workload runs");
        times.push(before.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Run {
        median: times[times.len() / 2],
        least: times[0],
    }
}
