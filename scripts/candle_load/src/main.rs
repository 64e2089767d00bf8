//! Another side of `benches --bin load`: candle's `VarBuilder` loads the `.pth` file of a vgg16 and
//! computes the logits of one image.

use std::time::Instant;

use candle_core::{DType, Device, Error, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Linear, Module, VarBuilder, conv2d, linear};

/// Channels of the convolutions; 0 is a pooling.
const LAYERS: [usize; 18] = [
    64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0,
];

fn main() -> Result<()> {
    let path = std::env::args().next_back().unwrap_or_default();
    let start = Instant::now();
    let weights = VarBuilder::from_pth(path, DType::F32, &Device::Cpu)?;
    let (features, classifier) = network(&weights)?;
    drop(weights);
    let (load, loaded) = (start.elapsed().as_secs_f64(), peak()?);
    let pixels = (0..3 * 224 * 224).map(|index| (index % 255) as f32 / 255.0);
    let image = Tensor::from_iter(pixels, &Device::Cpu)?.reshape((1, 3, 224, 224))?;
    let logits = forward(&features, &classifier, image)?;
    let logit = logits.get(0)?.get(0)?.to_scalar::<f32>()?;
    println!("{load} {loaded} {} {logit}", peak()?);
    Ok(())
}

/// The convolutions, `None` for a pooling, and the linear layers.
fn network(weights: &VarBuilder) -> Result<(Vec<Option<Conv2d>>, Vec<Linear>)> {
    let same = Conv2dConfig {
        padding: 1,
        ..Conv2dConfig::default()
    };
    let (mut features, mut index, mut before) = (Vec::new(), 0, 3);
    for channels in LAYERS {
        if channels == 0 {
            features.push(None);
            index += 1;
            continue;
        }
        let name = format!("features.{index}");
        let layer = conv2d(before, channels, 3, same, weights.pp(name))?;
        features.push(Some(layer));
        // A ReLU follows, which has an index of its own.
        (index, before) = (index + 2, channels);
    }
    let sizes = [(0, 512 * 7 * 7, 4096), (3, 4096, 4096), (6, 4096, 1000)];
    let classifier = sizes
        .map(|(index, from, to)| linear(from, to, weights.pp(format!("classifier.{index}"))))
        .into_iter()
        .collect::<Result<_>>()?;
    Ok((features, classifier))
}

fn forward(features: &[Option<Conv2d>], classifier: &[Linear], image: Tensor) -> Result<Tensor> {
    let mut x = image;
    for layer in features {
        x = match layer {
            Some(layer) => layer.forward(&x)?.relu()?,
            None => x.max_pool2d(2)?,
        };
    }
    x = x.flatten_from(1)?;
    for (index, layer) in classifier.iter().enumerate() {
        if index > 0 {
            x = x.relu()?;
        }
        x = layer.forward(&x)?;
    }
    Ok(x)
}

/// The most memory that the process has held, in bytes, from Linux' `/proc/self/status`.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes
        .map(|kilobytes| kilobytes * 1024)
        .ok_or_else(|| Error::Msg("/proc/self/status says no peak".into()))
}
