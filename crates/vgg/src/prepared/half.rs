//! Linear layers with weights in half precision.

use std::sync::{Mutex, PoisonError};

use burn::nn::pool::AdaptiveAvgPool2d;
use burn::tensor::{Tensor, TensorData};
use winograd::{Linear, LinearOptions, Storage, WeightOrder, Workspace, on_pool};

use super::error::PreparedError;
use super::values::values;
use crate::model::Vgg;

/// The hidden layers and the last one.
pub(super) struct HalfHead {
    layers: Vec<Linear>,
    /// Memory of calls that are over, for the next ones.
    workspaces: Mutex<Vec<Workspace>>,
}

impl HalfHead {
    /// The linear layers of `network`.
    pub(super) fn new(network: &Vgg) -> Result<Self, PreparedError> {
        let hidden = network.hidden.iter().map(|layer| (&layer.linear, true));
        let mut layers = Vec::new();
        for (linear, relu) in hidden.chain([(&network.output, false)]) {
            let weight = linear.weight.val();
            let [inputs, outputs] = weight.dims();
            let bias = linear.bias.as_ref();
            let bias = bias.map(|bias| values(bias.val())).transpose()?;
            let options = LinearOptions {
                relu,
                order: WeightOrder::InOut,
                storage: Storage::F16,
                ..LinearOptions::default()
            };
            let weight = values(weight)?;
            layers.push(Linear::new(
                &weight,
                bias.as_deref(),
                inputs,
                outputs,
                options,
            )?);
        }
        Ok(Self {
            layers,
            workspaces: Mutex::default(),
        })
    }

    /// Logits `[batch, classes]` of the map behind the last block.
    pub(super) fn logits(
        &self,
        average: Option<&AdaptiveAvgPool2d>,
        map: Tensor<4>,
    ) -> Result<Tensor<2>, PreparedError> {
        let device = map.device();
        let map = match average {
            Some(average) => average.forward(map),
            None => map,
        };
        let batch = map.dims()[0];
        let mut input = values(map)?;
        let workspaces = || {
            let workspaces = self.workspaces.lock();
            workspaces.unwrap_or_else(PoisonError::into_inner)
        };
        let mut workspace = workspaces().pop().unwrap_or_default();
        let result = on_pool(|| -> Result<(), PreparedError> {
            for layer in &self.layers {
                let mut output = vec![0.0; batch * layer.out_features()];
                layer.forward(&input, &mut output, &mut workspace)?;
                input = output;
            }
            Ok(())
        });
        workspaces().push(workspace);
        result?;
        let shape = [batch, input.len() / batch];
        Ok(Tensor::from_data(TensorData::new(input, shape), &device))
    }
}
