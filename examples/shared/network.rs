//! The network that an example looks through.

use std::error::Error;
use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use vgg::data::{Normalization, Preprocessing};
use vgg::{Classifier, Vgg, VggConfig, WeightsError, WeightsHeader};

/// Which network.
#[derive(Args)]
pub struct NetworkOptions {
    /// Take the weights in this file: of a run of `train`, or of torchvision or timm (.pth or
    /// .safetensors)
    #[arg(long, value_name = "FILE", conflicts_with = "random_weights")]
    weights: Option<PathBuf>,

    /// Take random weights instead, to see how the program works
    #[arg(long)]
    random_weights: bool,

    /// Which network, where the file does not say it
    #[arg(long, value_name = "NAME", default_value = "vgg16")]
    pub model: String,

    /// Multiply the channels of every layer by this, where the file does not say it
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    width: f64,

    /// Random weights and choices follow from this
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// A network, and what images look like to it.
pub struct Opened {
    pub network: Vgg,
    /// That of its training; ImageNet's where the file says nothing else.
    pub normalization: Normalization,
    /// Names of the classes, if they are known.
    pub classes: Option<Vec<String>>,
}

impl NetworkOptions {
    /// Whether the weights are random.
    pub fn is_random(&self) -> bool {
        self.random_weights
    }

    pub fn open(&self, device: &Device) -> Result<Opened, Box<dyn Error>> {
        let Some(path) = &self.weights else {
            if !self.random_weights {
                return Err(self.advice().into());
            }
            device.seed(self.seed);
            let network = VggConfig::named(&self.model)?
                .with_width(self.width)
                .init(device)?;
            return Ok(plain(network));
        };
        let header = WeightsHeader::read(path);
        match header.and_then(|header| header.config()) {
            Ok(_) => Ok(match Classifier::from_file(path, device) {
                Ok(classifier) => Opened {
                    network: classifier.network,
                    normalization: classifier.preprocessing.normalization,
                    classes: Some(classifier.classes),
                },
                // Weights alone, without names of classes.
                Err(WeightsError::Metadata { .. }) => plain(Vgg::from_file(path, device)?),
                Err(error) => return Err(error.into()),
            }),
            // Not a file of this project, which would describe its network.
            Err(WeightsError::NoConfig { .. } | WeightsError::Format { .. }) => {
                let config = VggConfig::named(&self.model)?.with_width(self.width);
                Ok(plain(config.init(device)?.load(path)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn advice(&self) -> String {
        format!(
            "{} needs weights: --weights FILE takes those of a run of `train`, or of torchvision or \
             timm (.pth or .safetensors; `infer --model {} --pretrained` downloads them once); \
             --random-weights shows how the program works without any",
            self.model, self.model,
        )
    }
}

fn plain(network: Vgg) -> Opened {
    let normalization = match network.config().input_channels {
        3 => Preprocessing::imagenet().normalization,
        channels => Normalization::new(vec![0.5; channels], vec![0.5; channels]),
    };
    Opened {
        network,
        normalization,
        classes: None,
    }
}
