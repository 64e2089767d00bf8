//! What a file of another tool does not say of its weights.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use vgg::data::{ChannelOrder, Fit, Normalization, Preprocessing, imagenet_classes};
use vgg::files::read_at_most;
use vgg::{LoadOptions, LoadReport, VggConfig, WeightsError};

/// A list of names of classes is not longer.
const MOST_BYTES: u64 = 4 << 20;

/// What is known of weights of another tool.
#[derive(Args)]
pub struct Foreign {
    /// Take the weights behind this key of a checkpoint, such as state_dict or model_ema [default:
    /// the only ones, or those that are no average]
    #[arg(long, value_name = "KEY", requires = "weights")]
    key: Option<String>,

    /// What the weights take: imagenet (torchvision, timm), caffe or keras (blue first, mean
    /// subtracted from 0 to 255), paper (the same with red first), half (-1 to 1) or unit (0 to 1)
    /// [default: what the file says, or else imagenet]
    #[arg(long, value_name = "NAME", requires = "weights", conflicts_with_all = ["mean", "std"])]
    preprocessing: Option<String>,

    /// The mean of each channel that the weights are used to, such as 0.485,0.456,0.406: of values
    /// from 0 to 1, or from 0 to 255 where one of them is above 1
    #[arg(
        long,
        value_name = "NUMBERS",
        requires = "weights",
        value_delimiter = ','
    )]
    mean: Vec<f32>,

    /// The deviation of each channel, on the scale of --mean [default: 1]
    #[arg(long, value_name = "NUMBERS", requires = "mean", value_delimiter = ',')]
    std: Vec<f32>,

    /// The weights take blue first; the order of --mean and --std is theirs
    #[arg(long, requires = "weights")]
    bgr: bool,

    /// Names of the classes, one a line [default: ImageNet's for 1,000 classes, or else numbers]
    #[arg(long, value_name = "FILE", requires = "weights")]
    classes: Option<PathBuf>,
}

impl Foreign {
    /// The first of these options that was given: for files that say all of it.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            (self.key.is_some(), "--key"),
            (self.preprocessing.is_some(), "--preprocessing"),
            (!self.mean.is_empty(), "--mean"),
            (self.bgr, "--bgr"),
            (self.classes.is_some(), "--classes"),
        ];
        let first = given.into_iter().find(|(given, _)| *given);
        first.map(|(_, name)| name)
    }

    /// All of a network, of as many classes as there are.
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions {
            key: self.key.clone(),
            classes_of_file: true,
            ..LoadOptions::default()
        }
    }

    /// What is done to an image for a network of this configuration.
    pub fn preprocessing(&self, config: &VggConfig) -> Result<Preprocessing, Box<dyn Error>> {
        let known = match self.preprocessing.as_deref() {
            None | Some("imagenet") => Preprocessing::imagenet(),
            Some("caffe" | "keras") => Preprocessing::keras(),
            Some("paper") => Preprocessing::mean_subtracted(),
            Some("half") => of(vec![0.5; 3], vec![0.5; 3]),
            Some("unit") => of(vec![0.0; 3], vec![1.0; 3]),
            Some(other) => {
                return Err(format!(
                    "no preprocessing is called \"{other}\"; there are imagenet, caffe, keras, paper, half and unit"
                )
                .into());
            }
        };
        let channels = config.input_channels;
        let mut preprocessing = match (self.mean.is_empty(), channels, &self.preprocessing) {
            (false, ..) => self.measured(),
            (true, 3, _) | (true, _, Some(_)) => known,
            (true, _, None) => of(vec![0.5; channels], vec![0.5; channels]),
        };
        if self.bgr {
            preprocessing.order = ChannelOrder::Bgr;
        }
        let found = preprocessing.normalization.mean.len();
        if found != channels || preprocessing.normalization.deviation.len() != channels {
            return Err(format!(
                "the network takes {channels} channels: --mean and --std need a number for each, found {found} and {}",
                preprocessing.normalization.deviation.len()
            )
            .into());
        }
        let deviation = &preprocessing.normalization.deviation;
        if !deviation
            .iter()
            .all(|value| value.is_normal() && *value > 0.0)
        {
            return Err(
                format!("every number of --std must be above 0, found {deviation:?}").into(),
            );
        }
        let [height, width] = config.input_size;
        preprocessing.shape = [channels, height, width];
        // As much around the frame as torchvision leaves.
        let short_side = height.min(width) * 256 / 224;
        preprocessing.fit = Fit::CentreCrop { short_side };
        Ok(preprocessing)
    }

    /// That of --mean and --std.
    fn measured(&self) -> Preprocessing {
        let deviation = match self.std.is_empty() {
            true => vec![1.0; self.mean.len()],
            false => self.std.clone(),
        };
        let values = self.mean.iter().chain(&deviation);
        let scale = match values.clone().any(|value| *value > 1.0) {
            true => 255.0,
            false => 1.0,
        };
        let scaled = |values: &[f32]| values.iter().map(|value| value / scale).collect();
        of(scaled(&self.mean), scaled(&deviation))
    }

    /// Names of `count` classes.
    pub fn classes(&self, count: usize) -> Result<Vec<String>, Box<dyn Error>> {
        let Some(path) = &self.classes else {
            return Ok(match count {
                1000 => imagenet_classes(),
                _ => (0..count).map(|class| class.to_string()).collect(),
            });
        };
        let failed = |error: String| format!("{}: {error}", path.display());
        let bytes = read_at_most(path, MOST_BYTES).map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| failed(error.to_string()))?;
        let names: Vec<_> = text
            .trim_end()
            .lines()
            .map(|line| line.trim().to_owned())
            .collect();
        match names.len() == count {
            true => Ok(names),
            false => Err(failed(format!(
                "{} names, one a line, for the {count} classes of the network",
                names.len()
            ))
            .into()),
        }
    }

    /// Says which of several sets of weights was taken, and refuses such as are no numbers.
    pub fn tell(&self, path: &Path, report: LoadReport) -> Result<(), WeightsError> {
        if !report.other_keys.is_empty() && self.key.is_none() {
            let quoted = |key: &str| match key.is_empty() {
                true => "without a key".to_owned(),
                false => format!("behind \"{key}\""),
            };
            let others: Vec<_> = report.other_keys.iter().map(|key| quoted(key)).collect();
            console::note!(
                "{}: takes the weights {}; there are others {}, which --key chooses",
                path.display(),
                quoted(&report.key),
                others.join(", ")
            );
        }
        match report.not_finite.is_empty() {
            true => Ok(()),
            false => Err(WeightsError::NotFinite {
                path: path.to_owned(),
                tensors: report.not_finite,
            }),
        }
    }
}

fn of(mean: Vec<f32>, deviation: Vec<f32>) -> Preprocessing {
    Preprocessing {
        normalization: Normalization::new(mean, deviation),
        ..Preprocessing::imagenet()
    }
}
