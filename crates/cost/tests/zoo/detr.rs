//! A small network like DETR: learned queries and positions meet in sums that read nothing but
//! parameters.

use burn::module::{Module, Param};
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig, Relu};
use burn::tensor::Tensor;

use crate::parts::{conv, device, norm};

/// The hidden size, the queries, and the places of a 64×64 image's features.
const HIDDEN: usize = 32;
const QUERIES: usize = 10;
const PLACES: usize = 8 * 8;

fn attention() -> MultiHeadAttention {
    MultiHeadAttentionConfig::new(HIDDEN, 4).init(&device())
}

fn layer_norm() -> LayerNorm {
    LayerNormConfig::new(HIDDEN).init(&device())
}

/// Three strided convolutions and one ReLU.
#[derive(Module, Debug)]
pub struct Backbone {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
    conv3: Conv2d,
    bn3: BatchNorm,
    relu: Relu,
}

impl Backbone {
    fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        let x = self
            .relu
            .forward(self.bn1.forward(self.conv1.forward(images)));
        let x = self.relu.forward(self.bn2.forward(self.conv2.forward(x)));
        self.relu.forward(self.bn3.forward(self.conv3.forward(x)))
    }
}

/// Positions are added to queries and keys, not to values.
#[derive(Module, Debug)]
pub struct EncoderLayer {
    self_attn: MultiHeadAttention,
    linear1: Linear,
    relu: Relu,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
}

impl EncoderLayer {
    fn new() -> Self {
        Self {
            self_attn: attention(),
            linear1: LinearConfig::new(HIDDEN, 2 * HIDDEN).init(&device()),
            relu: Relu::new(),
            linear2: LinearConfig::new(2 * HIDDEN, HIDDEN).init(&device()),
            norm1: layer_norm(),
            norm2: layer_norm(),
        }
    }

    fn forward(&self, x: Tensor<3>, positions: Tensor<3>) -> Tensor<3> {
        let q = x.clone() + positions;
        let input = MhaInput::new(q.clone(), q, x.clone());
        let x = self
            .norm1
            .forward(x + self.self_attn.forward(input).context);
        let y = self.relu.forward(self.linear1.forward(x.clone()));
        self.norm2.forward(x + self.linear2.forward(y))
    }
}

/// The first of them meets the queries and their positions, both parameters.
#[derive(Module, Debug)]
pub struct DecoderLayer {
    self_attn: MultiHeadAttention,
    multihead_attn: MultiHeadAttention,
    linear1: Linear,
    relu: Relu,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    norm3: LayerNorm,
}

impl DecoderLayer {
    fn new() -> Self {
        Self {
            self_attn: attention(),
            multihead_attn: attention(),
            linear1: LinearConfig::new(HIDDEN, 2 * HIDDEN).init(&device()),
            relu: Relu::new(),
            linear2: LinearConfig::new(2 * HIDDEN, HIDDEN).init(&device()),
            norm1: layer_norm(),
            norm2: layer_norm(),
            norm3: layer_norm(),
        }
    }

    fn forward(
        &self,
        x: Tensor<3>,
        query_positions: Tensor<3>,
        memory: Tensor<3>,
        positions: Tensor<3>,
    ) -> Tensor<3> {
        let q = x.clone() + query_positions.clone();
        let input = MhaInput::new(q.clone(), q, x.clone());
        let x = self
            .norm1
            .forward(x + self.self_attn.forward(input).context);
        let (q, k) = (x.clone() + query_positions, memory.clone() + positions);
        let input = MhaInput::new(q, k, memory);
        let x = self
            .norm2
            .forward(x + self.multihead_attn.forward(input).context);
        let y = self.relu.forward(self.linear1.forward(x.clone()));
        self.norm3.forward(x + self.linear2.forward(y))
    }
}

/// Three linear layers, one ReLU.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    relu: Relu,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let last = self.layers.len() - 1;
        let layers = self.layers.iter().enumerate();
        layers.fold(x, |x, (index, layer)| match layer.forward(x) {
            x if index < last => self.relu.forward(x),
            x => x,
        })
    }
}

/// Classes and boxes of each query.
#[derive(Module, Debug)]
pub struct Detr {
    backbone: Backbone,
    input_proj: Conv2d,
    positions: Param<Tensor<2>>,
    encoder: Vec<EncoderLayer>,
    queries: Param<Tensor<2>>,
    query_positions: Param<Tensor<2>>,
    decoder: Vec<DecoderLayer>,
    norm: LayerNorm,
    class_embed: Linear,
    bbox_embed: Mlp,
}

impl Detr {
    pub fn new() -> Self {
        let table = |rows| Initializer::Zeros.init([rows, HIDDEN], &device());
        let linear = |outputs| LinearConfig::new(HIDDEN, outputs).init(&device());
        Self {
            backbone: Backbone {
                conv1: conv([3, 16], 3, 2),
                bn1: norm(16),
                conv2: conv([16, 32], 3, 2),
                bn2: norm(32),
                conv3: conv([32, 64], 3, 2),
                bn3: norm(64),
                relu: Relu::new(),
            },
            input_proj: Conv2dConfig::new([64, HIDDEN], [1, 1]).init(&device()),
            positions: table(PLACES),
            encoder: (0..2).map(|_| EncoderLayer::new()).collect(),
            queries: table(QUERIES),
            query_positions: table(QUERIES),
            decoder: (0..2).map(|_| DecoderLayer::new()).collect(),
            norm: layer_norm(),
            class_embed: linear(21),
            bbox_embed: Mlp {
                layers: vec![linear(HIDDEN), linear(HIDDEN), linear(4)],
                relu: Relu::new(),
            },
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> (Tensor<3>, Tensor<3>) {
        let x = self.input_proj.forward(self.backbone.forward(images));
        let batch = x.dims()[0];
        let rows = |table: &Param<Tensor<2>>| {
            let [rows, hidden] = table.dims();
            table.val().unsqueeze::<3>().expand([batch, rows, hidden])
        };
        let positions = rows(&self.positions);
        let x: Tensor<3> = x.flatten(2, 3).swap_dims(1, 2);
        let encoder = self.encoder.iter();
        let memory = encoder.fold(x, |x, layer| layer.forward(x, positions.clone()));
        let query_positions = rows(&self.query_positions);
        let x = self.decoder.iter().fold(rows(&self.queries), |x, layer| {
            let (memory, positions) = (memory.clone(), positions.clone());
            layer.forward(x, query_positions.clone(), memory, positions)
        });
        let x = self.norm.forward(x);
        (
            self.class_embed.forward(x.clone()),
            self.bbox_embed.forward(x),
        )
    }
}
