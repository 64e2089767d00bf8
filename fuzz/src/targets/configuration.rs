//! Configurations.

use burn::tensor::Device;
use vgg::data::{Fit, Normalization, Preprocessing};
use vgg::train::{OptimizerKind, RunConfig, RunFolder, Start, TrainConfig};
use vgg::{Engine, Precision, VggConfig};

use super::{Scratch, Seeds, Target};

pub fn network() -> Target {
    Target {
        name: "config",
        what: "the configuration of a network, as JSON",
        seeds: Box::new(|| {
            let names = ["vgg16-28", "vgg19-bn", "vgg11-cifar"];
            let text = |name: &&str| Ok(serde_json::to_vec(&VggConfig::named(name)?)?);
            names.iter().map(text).collect()
        }),
        read: Box::new(|bytes| {
            let Ok(config) = serde_json::from_slice::<VggConfig>(bytes) else {
                return;
            };
            let (layers, memory) = (config.parameter_count(), config.largest_weight_bytes());
            let _ = (layers, memory, config.feature_map(config.input_size));
            // No weight is drawn before it is used.
            let _ = config.init(&Device::flex());
        }),
    }
}

/// A configuration as `train` writes it.
pub fn run_config(network: VggConfig) -> RunConfig {
    let [height, width] = network.input_size;
    RunConfig {
        classes: (0..network.classes)
            .map(|class| class.to_string())
            .collect(),
        preprocessing: Preprocessing {
            shape: [network.input_channels, height, width],
            fit: Fit::Cover,
            order: Default::default(),
            normalization: Normalization::new(
                vec![0.5; network.input_channels],
                vec![0.5; network.input_channels],
            ),
            dark_background: false,
        },
        model: network,
        training: TrainConfig::new(OptimizerKind::Sgd, 0.01).with_epochs(2),
        data: "embedded".to_owned(),
        data_state: None,
        limit: None,
        skip_broken: false,
        stream: None,
        backend: "flex".to_owned(),
        engine: Engine::default(),
        precision: Precision::F32,
        start: Some(Start::Random),
        frozen: None,
    }
}

pub fn run() -> Target {
    let folder = Scratch::new();
    Target {
        name: "run",
        what: "the config.json of a run",
        seeds: Box::new(seeds_of_runs),
        read: Box::new(move |bytes| {
            folder.file("config.json", bytes);
            let _ = RunFolder::open(folder.path());
        }),
    }
}

fn seeds_of_runs() -> Seeds {
    let config = run_config(VggConfig::named("vgg16-28")?);
    Ok(vec![serde_json::to_vec_pretty(&config)?])
}
