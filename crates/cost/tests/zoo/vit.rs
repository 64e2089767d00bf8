//! ViT-B/16: Burn's attention, a class token and learned positions.

use burn::module::{Module, Param};
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    Dropout, DropoutConfig, Gelu, Initializer, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::tensor::Tensor;

use crate::parts::device;

/// The hidden size, and tokens of 16×16 patches of 224×224 with the class token.
const HIDDEN: usize = 768;
const TOKENS: usize = 14 * 14 + 1;

/// Two linear layers.
#[derive(Module, Debug)]
pub struct Mlp {
    linear_1: Linear,
    gelu: Gelu,
    linear_2: Linear,
    dropout: Dropout,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.gelu.forward(self.linear_1.forward(x));
        self.dropout
            .forward(self.linear_2.forward(self.dropout.forward(x)))
    }
}

/// Attention and MLP, each after a norm and around a shortcut.
#[derive(Module, Debug)]
pub struct EncoderBlock {
    ln_1: LayerNorm,
    self_attention: MultiHeadAttention,
    dropout: Dropout,
    ln_2: LayerNorm,
    mlp: Mlp,
}

impl EncoderBlock {
    fn new() -> Self {
        Self {
            ln_1: LayerNormConfig::new(HIDDEN).init(&device()),
            self_attention: MultiHeadAttentionConfig::new(HIDDEN, 12).init(&device()),
            dropout: DropoutConfig::new(0.1).init(),
            ln_2: LayerNormConfig::new(HIDDEN).init(&device()),
            mlp: Mlp {
                linear_1: LinearConfig::new(HIDDEN, 4 * HIDDEN).init(&device()),
                gelu: Gelu::new(),
                linear_2: LinearConfig::new(4 * HIDDEN, HIDDEN).init(&device()),
                dropout: DropoutConfig::new(0.1).init(),
            },
        }
    }

    fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        let x = self.ln_1.forward(input.clone());
        let x = self.self_attention.forward(MhaInput::self_attn(x)).context;
        let x = self.dropout.forward(x) + input;
        let y = self.mlp.forward(self.ln_2.forward(x.clone()));
        x + y
    }
}

/// Adds the positions, which are its own.
#[derive(Module, Debug)]
pub struct Encoder {
    pos_embedding: Param<Tensor<3>>,
    dropout: Dropout,
    layers: Vec<EncoderBlock>,
    ln: LayerNorm,
}

impl Encoder {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.dropout.forward(x + self.pos_embedding.val());
        let x = self.layers.iter().fold(x, |x, layer| layer.forward(x));
        self.ln.forward(x)
    }
}

/// The class token is the network's own.
#[derive(Module, Debug)]
pub struct VisionTransformer {
    conv_proj: Conv2d,
    class_token: Param<Tensor<3>>,
    encoder: Encoder,
    head: Linear,
}

impl VisionTransformer {
    pub fn new() -> Self {
        Self {
            conv_proj: Conv2dConfig::new([3, HIDDEN], [16, 16])
                .with_stride([16, 16])
                .init(&device()),
            class_token: Initializer::Zeros.init([1, 1, HIDDEN], &device()),
            encoder: Encoder {
                pos_embedding: Initializer::Zeros.init([1, TOKENS, HIDDEN], &device()),
                dropout: DropoutConfig::new(0.1).init(),
                layers: (0..12).map(|_| EncoderBlock::new()).collect(),
                ln: LayerNormConfig::new(HIDDEN).init(&device()),
            },
            head: LinearConfig::new(HIDDEN, 1000).init(&device()),
        }
    }

    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.conv_proj.forward(images);
        let x: Tensor<3> = x.flatten(2, 3).swap_dims(1, 2);
        let [batch, _, hidden] = x.dims();
        let class_token = self.class_token.val().expand([batch, 1, hidden]);
        let x = self.encoder.forward(Tensor::cat(vec![class_token, x], 1));
        self.head.forward(x.narrow(1, 0, 1).squeeze_dim(1))
    }
}
