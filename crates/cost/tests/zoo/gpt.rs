//! A small network like GPT-2: causal attention of its own from one product for queries, keys
//! and values, and an output layer that is the embedding.

use burn::module::Module;
use burn::nn::attention::generate_autoregressive_mask;
use burn::nn::{
    Embedding, EmbeddingConfig, Gelu, LayerNorm, LayerNormConfig, Linear, LinearConfig,
};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor};

use crate::parts::device;

/// The hidden size, its heads, the words, and the longest text.
const HIDDEN: usize = 48;
const HEADS: usize = 4;
const WORDS: usize = 100;
const LONGEST: usize = 32;

/// One linear layer makes all three inputs.
#[derive(Module, Debug)]
pub struct CausalSelfAttention {
    c_attn: Linear,
    c_proj: Linear,
}

impl CausalSelfAttention {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, length, hidden] = x.dims();
        let size = hidden / HEADS;
        let mask = generate_autoregressive_mask(batch, length, &x.device());
        let parts = self.c_attn.forward(x).chunk(3, 2);
        let [q, k, v]: [Tensor<3>; 3] = parts.try_into().expect("three parts");
        let heads = |x: Tensor<3>| x.reshape([batch, length, HEADS, size]).swap_dims(1, 2);
        let scores = heads(q).matmul(heads(k).transpose()) / (size as f32).sqrt();
        let weights = softmax(
            scores.mask_fill(mask.unsqueeze_dim(1), f32::NEG_INFINITY),
            3,
        );
        let x = weights.matmul(heads(v)).swap_dims(1, 2);
        self.c_proj.forward(x.reshape([batch, length, hidden]))
    }
}

/// Two linear layers.
#[derive(Module, Debug)]
pub struct Mlp {
    c_fc: Linear,
    gelu: Gelu,
    c_proj: Linear,
}

impl Mlp {
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.c_proj.forward(self.gelu.forward(self.c_fc.forward(x)))
    }
}

/// Attention and MLP, each after a norm and around a shortcut.
#[derive(Module, Debug)]
pub struct Block {
    ln_1: LayerNorm,
    attn: CausalSelfAttention,
    ln_2: LayerNorm,
    mlp: Mlp,
}

impl Block {
    fn new() -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        Self {
            ln_1: LayerNormConfig::new(HIDDEN).init(&device()),
            attn: CausalSelfAttention {
                c_attn: linear(HIDDEN, 3 * HIDDEN),
                c_proj: linear(HIDDEN, HIDDEN),
            },
            ln_2: LayerNormConfig::new(HIDDEN).init(&device()),
            mlp: Mlp {
                c_fc: linear(HIDDEN, 4 * HIDDEN),
                gelu: Gelu::new(),
                c_proj: linear(4 * HIDDEN, HIDDEN),
            },
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attn.forward(self.ln_1.forward(x));
        x.clone() + self.mlp.forward(self.ln_2.forward(x))
    }
}

/// Words and positions are both looked up.
#[derive(Module, Debug)]
pub struct Gpt {
    wte: Embedding,
    wpe: Embedding,
    h: Vec<Block>,
    ln_f: LayerNorm,
}

impl Gpt {
    pub fn new() -> Self {
        Self {
            wte: EmbeddingConfig::new(WORDS, HIDDEN).init(&device()),
            wpe: EmbeddingConfig::new(LONGEST, HIDDEN).init(&device()),
            h: (0..3).map(|_| Block::new()).collect(),
            ln_f: LayerNormConfig::new(HIDDEN).init(&device()),
        }
    }

    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let [_, length] = tokens.dims();
        let places = Tensor::arange(0..length as i64, &tokens.device()).unsqueeze();
        let x = self.wte.forward(tokens) + self.wpe.forward(places);
        let x = self.h.iter().fold(x, |x, block| block.forward(x));
        let weight = self.wte.weight.val().transpose();
        self.ln_f.forward(x).matmul(weight.unsqueeze())
    }
}
