//! A classifier of texts: Burn's LSTM, which is many small operations, between an embedding and a
//! linear layer.

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, Linear, LinearConfig, Lstm, LstmConfig};
use burn::tensor::{Int, Tensor};

use crate::parts::device;

/// The last hidden state decides.
#[derive(Module, Debug)]
pub struct Classifier {
    embedding: Embedding,
    lstm: Lstm,
    fc: Linear,
}

impl Classifier {
    pub fn new() -> Self {
        Self {
            embedding: EmbeddingConfig::new(50, 24).init(&device()),
            lstm: LstmConfig::new(24, 32, true).init(&device()),
            fc: LinearConfig::new(32, 5).init(&device()),
        }
    }

    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<2> {
        let (_, state) = self.lstm.forward(self.embedding.forward(tokens), None);
        self.fc.forward(state.hidden)
    }
}
