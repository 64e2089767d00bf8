//! The network that an example looks through.

use std::error::Error;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use clap::Args;
use vgg::data::{ChannelOrder, Normalization, Preprocessing, imagenet_classes};
use vgg::{
    Classifier, ConfigError, LoadOptions, Part, PretrainedWeights, Vgg, VggConfig, WeightsError,
    WeightsHeader,
};

use crate::foreign::Foreign;
use crate::picture;

/// Which network.
#[derive(Args)]
pub struct NetworkOptions {
    /// Take the weights in this file: of a run of `train`, or of torchvision, timm or Caffe (.pth or
    /// .safetensors), with --model
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,

    /// Take the published weights of --model (also vgg16-features); downloaded once (500 MB) and
    /// kept in VGG_HOME or the system's cache folder
    #[arg(long, conflicts_with = "weights")]
    pretrained: bool,

    /// Take random weights instead, to see how the program works
    #[arg(long, conflicts_with_all = ["weights", "pretrained"])]
    random_weights: bool,

    /// Which network, where the file does not say it
    #[arg(long, value_name = "NAME", default_value = "vgg16")]
    pub model: String,

    /// Multiply the channels of every layer by this, where the file does not say it
    #[arg(long, value_name = "F", default_value_t = 1.0)]
    width: f64,

    /// Give the network a fresh output layer for so many classes, and leave out the one in the file
    #[arg(long, value_name = "N", requires = "weights")]
    new_head: Option<usize>,

    #[command(flatten)]
    foreign: Foreign,

    /// Random weights and choices follow from this
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// A network, and what images look like to it.
pub struct Opened {
    pub network: Vgg,
    /// That of its training; ImageNet's where the file says nothing else.
    pub normalization: Normalization,
    /// The order of channels that the network takes; pictures have red first.
    pub order: ChannelOrder,
    /// Names of the classes, if they are known.
    pub classes: Option<Vec<String>>,
    /// Whether the weights are of the convolutions alone, and the head is a random one.
    pub headless: bool,
}

impl Opened {
    /// Pictures with values 0 to 1 and red first, as the network wants to see them.
    pub fn input(&self, image: Tensor<4>) -> Tensor<4> {
        input(image, &self.normalization, self.order)
    }
}

/// Pictures with values 0 to 1 and red first, as a network wants to see them.
pub fn input(image: Tensor<4>, normalization: &Normalization, order: ChannelOrder) -> Tensor<4> {
    let image = match order {
        ChannelOrder::Rgb => image,
        ChannelOrder::Bgr => image.flip([1]),
    };
    picture::normalised(image, normalization)
}

impl From<Classifier> for Opened {
    fn from(classifier: Classifier) -> Self {
        Self {
            normalization: classifier.preprocessing().normalization.clone(),
            order: classifier.preprocessing().order,
            classes: Some(classifier.classes().to_vec()),
            headless: false,
            network: classifier.into_network(),
        }
    }
}

impl NetworkOptions {
    /// Whether the weights are random.
    pub fn is_random(&self) -> bool {
        self.random_weights
    }

    pub fn open(&self, device: &Device) -> Result<Opened, Box<dyn Error>> {
        device.seed(self.seed);
        match &self.weights {
            Some(path) => self.open_file(path, device),
            None if self.pretrained => self.published(device),
            None if self.random_weights => Ok(plain(self.config()?.init(device)?)),
            None => Err(self.advice().into()),
        }
    }

    fn config(&self) -> Result<VggConfig, ConfigError> {
        Ok(VggConfig::named(&self.model)?.with_width(self.width))
    }

    fn published(&self, device: &Device) -> Result<Opened, Box<dyn Error>> {
        if self.width != 1.0 {
            let found = self.width;
            return Err(format!("published weights have --width 1, found {found}").into());
        }
        let weights = PretrainedWeights::named(&self.model)?;
        let (network, _) = weights.network(device, &mut downloading(&weights.address))?;
        Ok(Opened {
            classes: (weights.part == Part::Whole).then(imagenet_classes),
            headless: weights.part != Part::Whole,
            normalization: weights.preprocessing.normalization,
            order: weights.preprocessing.order,
            network,
        })
    }

    fn open_file(&self, path: &Path, device: &Device) -> Result<Opened, Box<dyn Error>> {
        match WeightsHeader::read(path).and_then(|header| header.config()) {
            Ok(_) => self.open_own(path, device),
            // Not a file of this project, which would describe its network.
            Err(WeightsError::NoConfig { .. } | WeightsError::Format { .. }) => {
                self.open_foreign(path, device)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A file that says what network it is of.
    fn open_own(&self, path: &Path, device: &Device) -> Result<Opened, Box<dyn Error>> {
        let new_head = self.new_head.map(|_| "--new-head");
        if let Some(option) = new_head.or(self.foreign.given()) {
            let path = path.display();
            return Err(format!(
                "{option} is for files that do not say what network they are of: {path} says it, and \
                 `finetune` replaces its head by itself"
            )
            .into());
        }
        Ok(match Classifier::from_file(path, device) {
            Ok(classifier) => classifier.into(),
            // Weights alone, without names of classes.
            Err(WeightsError::Metadata { key, .. }) if key == "vgg.classes" => {
                plain(Vgg::from_file(path, device)?)
            }
            Err(error) => return Err(error.into()),
        })
    }

    fn open_foreign(&self, path: &Path, device: &Device) -> Result<Opened, Box<dyn Error>> {
        let mut config = self.config()?;
        let mut options = LoadOptions {
            features_suffice: true,
            ..self.foreign.load_options()
        };
        if let Some(classes) = self.new_head {
            config.classes = classes;
            options.part = Part::WithoutOutput;
            options.classes_of_file = false;
        }
        let (network, report) = config.init(device)?.load_with(path, &options)?;
        let part = report.part;
        self.foreign.tell(path, report)?;
        let preprocessing = self.foreign.preprocessing(network.config())?;
        let classes = match part {
            Part::Whole => Some(self.foreign.classes(network.config().classes)?),
            _ => None,
        };
        Ok(Opened {
            network,
            normalization: preprocessing.normalization,
            order: preprocessing.order,
            classes,
            headless: part == Part::Features,
        })
    }

    fn advice(&self) -> String {
        format!(
            "{} needs weights: --pretrained downloads the published ones once; --weights FILE takes \
             those of a run of `train`, or of torchvision or timm (.pth or .safetensors); \
             --random-weights shows how the program works without any",
            self.model,
        )
    }
}

/// Says on standard error how far a download is, every 10 MB.
pub fn downloading(address: &str) -> impl FnMut(u64, Option<u64>) {
    let mut last = 0;
    move |bytes, all| {
        let megabytes = bytes / 1_000_000;
        if megabytes / 10 != last {
            last = megabytes / 10;
            let all = all.map_or(String::new(), |all| format!(" of {}", all / 1_000_000));
            console::note!("downloading {address}: {megabytes}{all} MB");
        }
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
        order: ChannelOrder::Rgb,
        classes: None,
        headless: false,
    }
}
