//! ResNet-18 of Burn's modules, as torchvision has it, and the same prepared for inference.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::{Device, Tensor, activation::relu};
use winograd::Error;
use winograd::burn::PreparedConv2d;

/// How a convolution is computed: `Conv2d::forward`, or `Conv2dExt::forward_winograd`.
pub type Convolve = fn(&Conv2d, Tensor<4>) -> Tensor<4>;

/// A ResNet of basic blocks, two in each of four stages.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    pool: MaxPool2d,
    blocks: Vec<Block>,
    classifier: Linear,
}

/// Two convolutions 3x3, and what is added to their result.
#[derive(Module, Debug)]
struct Block {
    first: ConvNorm,
    second: ConvNorm,
    /// Where the block changes channels and size.
    shortcut: Option<ConvNorm>,
}

/// A convolution without bias and the batch norm behind it.
#[derive(Module, Debug)]
struct ConvNorm {
    conv: Conv2d,
    norm: BatchNorm,
}

impl ResNet {
    /// With random weights. ResNet-18 has 64 channels in its first stage.
    pub fn new(channels: usize, classes: usize, device: &Device) -> Self {
        let mut blocks = Vec::new();
        let mut inputs = channels;
        for stage in 0..4 {
            let outputs = channels << stage;
            let stride = if stage == 0 { 1 } else { 2 };
            blocks.push(Block::new([inputs, outputs], stride, device));
            blocks.push(Block::new([outputs, outputs], 1, device));
            inputs = outputs;
        }
        Self {
            stem: ConvNorm::new([3, channels], 7, 2, device),
            pool: MaxPool2dConfig::new([3, 3])
                .with_strides([2, 2])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .init(),
            blocks,
            classifier: LinearConfig::new(inputs, classes).init(device),
        }
    }

    /// `[batch, 3, height, width]` → logits `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>, convolve: Convolve) -> Tensor<2> {
        let map = relu(self.stem.forward(images, convolve));
        let map = self.pool.forward(map);
        let map = self
            .blocks
            .iter()
            .fold(map, |map, block| block.forward(map, convolve));
        self.classifier.forward(mean_of_pixels(map))
    }
}

impl Block {
    fn new([inputs, outputs]: [usize; 2], stride: usize, device: &Device) -> Self {
        let same = inputs == outputs && stride == 1;
        Self {
            first: ConvNorm::new([inputs, outputs], 3, stride, device),
            second: ConvNorm::new([outputs, outputs], 3, 1, device),
            shortcut: (!same).then(|| ConvNorm::new([inputs, outputs], 1, stride, device)),
        }
    }

    fn forward(&self, input: Tensor<4>, convolve: Convolve) -> Tensor<4> {
        let map = relu(self.first.forward(input.clone(), convolve));
        let map = self.second.forward(map, convolve);
        relu(
            map + match &self.shortcut {
                Some(shortcut) => shortcut.forward(input, convolve),
                None => input,
            },
        )
    }
}

impl ConvNorm {
    fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let padding = kernel / 2;
        Self {
            conv: Conv2dConfig::new(channels, [kernel; 2])
                .with_stride([stride; 2])
                .with_padding(PaddingConfig2d::Explicit(
                    padding, padding, padding, padding,
                ))
                .with_bias(false)
                .with_initializer(Initializer::KaimingNormal {
                    gain: 2f64.sqrt(),
                    fan_out_only: true,
                })
                .init(device),
            norm: BatchNormConfig::new(channels[1]).init(device),
        }
    }

    fn forward(&self, input: Tensor<4>, convolve: Convolve) -> Tensor<4> {
        // In a model of your own: `self.conv.forward(input)` becomes `self.conv.forward_winograd(input)`.
        self.norm.forward(convolve(&self.conv, input))
    }
}

/// The same network for inference: batch norms folded, weights transformed once.
pub struct PreparedResNet {
    stem: PreparedConv2d,
    pool: MaxPool2d,
    blocks: Vec<PreparedBlock>,
    classifier: Linear,
}

struct PreparedBlock {
    first: PreparedConv2d,
    second: PreparedConv2d,
    shortcut: Option<PreparedConv2d>,
}

impl PreparedResNet {
    /// # Errors
    /// If a norm has other channels than its convolution.
    pub fn new(network: &ResNet) -> Result<Self, Error> {
        let blocks = network.blocks.iter().map(|block| {
            Ok(PreparedBlock {
                first: block.first.prepare()?.with_relu(),
                second: block.second.prepare()?,
                shortcut: block.shortcut.as_ref().map(ConvNorm::prepare).transpose()?,
            })
        });
        Ok(Self {
            stem: network.stem.prepare()?.with_relu(),
            pool: network.pool.clone(),
            blocks: blocks.collect::<Result<_, Error>>()?,
            classifier: network.classifier.clone(),
        })
    }

    /// As [`ResNet::forward`].
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let map = self.pool.forward(self.stem.forward(images));
        let map = self
            .blocks
            .iter()
            .fold(map, |map, block| block.forward(map));
        self.classifier.forward(mean_of_pixels(map))
    }
}

impl PreparedBlock {
    fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let map = self.second.forward(self.first.forward(input.clone()));
        relu(
            map + match &self.shortcut {
                Some(shortcut) => shortcut.forward(input),
                None => input,
            },
        )
    }
}

impl ConvNorm {
    fn prepare(&self) -> Result<PreparedConv2d, Error> {
        PreparedConv2d::new(&self.conv).with_batch_norm(&self.norm)
    }
}

/// `[batch, channels, height, width]` → `[batch, channels]`.
fn mean_of_pixels(map: Tensor<4>) -> Tensor<2> {
    map.mean_dim(3).mean_dim(2).flatten(1, 3)
}
