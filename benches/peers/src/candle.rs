//! candle: its layers are put together here, as its users do, with random weights.

use std::error::Error;

use candle_core::{Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module};

use crate::measure::Job;

enum Layer {
    /// With ReLU. Batch normalisations are folded in, as `Conv2d::absorb_bn` does, and leave nothing to compute.
    Conv(Conv2d),
    Pool,
}

struct Vgg {
    features: Vec<Layer>,
    /// With ReLU between them.
    classifier: Vec<Linear>,
}

/// Weights of a size that keeps activations near 1.
fn weight(shape: &[usize], device: &Device) -> Result<Tensor> {
    let inputs: usize = shape[1..].iter().product();
    Tensor::randn(0f32, (2.0 / inputs as f32).sqrt(), shape, device)
}

impl Vgg {
    fn new(model: &str, device: &Device) -> std::result::Result<Self, Box<dyn Error>> {
        let (convolutions, mut inputs, features, classes): (&[usize], _, _, _) = match model {
            "vgg16" | "vgg16bn" => (&[2, 2, 3, 3, 3], 3, 512 * 7 * 7, 1000),
            "vgg19" => (&[2, 2, 4, 4, 4], 3, 512 * 7 * 7, 1000),
            "small" => (&[2, 2, 3, 3], 1, 512, 10),
            other => return Err(format!("no network is called {other}").into()),
        };
        let padded = Conv2dConfig {
            padding: 1,
            ..Conv2dConfig::default()
        };
        let mut layers = Vec::new();
        for (&count, channels) in convolutions.iter().zip([64, 128, 256, 512, 512]) {
            for _ in 0..count {
                let kernels = weight(&[channels, inputs, 3, 3], device)?;
                let bias = Tensor::zeros(channels, candle_core::DType::F32, device)?;
                layers.push(Layer::Conv(Conv2d::new(kernels, Some(bias), padded)));
                inputs = channels;
            }
            layers.push(Layer::Pool);
        }
        let mut classifier = Vec::new();
        for [inputs, outputs] in [[features, 4096], [4096, 4096], [4096, classes]] {
            let bias = Tensor::zeros(outputs, candle_core::DType::F32, device)?;
            classifier.push(Linear::new(weight(&[outputs, inputs], device)?, Some(bias)));
        }
        Ok(Self {
            features: layers,
            classifier,
        })
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut map = images.clone();
        for layer in &self.features {
            map = match layer {
                Layer::Conv(conv) => conv.forward(&map)?.relu()?,
                Layer::Pool => map.max_pool2d(2)?,
            };
        }
        let mut values = map.flatten_from(1)?;
        for (index, linear) in self.classifier.iter().enumerate() {
            if index > 0 {
                values = values.relu()?;
            }
            values = linear.forward(&values)?;
        }
        Ok(values)
    }
}

pub fn run(job: &Job<'_>) -> std::result::Result<(), Box<dyn Error>> {
    // Its threads are those of RAYON_NUM_THREADS.
    let found = candle_core::utils::get_num_threads();
    if found != job.threads {
        return Err(format!("RAYON_NUM_THREADS={} expected, found {found}", job.threads).into());
    }
    let device = Device::Cpu;
    let network = Vgg::new(job.model, &device)?;
    let images = Tensor::from_vec(job.images(), &job.shape(), &device)?;
    job.report(|| {
        network.forward(&images)?;
        Ok(())
    })
}
