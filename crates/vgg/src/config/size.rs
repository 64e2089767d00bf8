//! How large a network is.

use super::VggConfig;

impl VggConfig {
    /// Number of trainable parameters, from the closed formulas: `(9·c_in + 1)·c_out` for a
    /// convolution, 2 per channel for a batch normalisation, `(n_in + 1)·n_out` for a linear
    /// layer.
    ///
    /// ```
    /// let config = vgg::VggConfig::named("vgg16-28")?;
    /// assert_eq!(config.parameter_count(), 26_557_642);
    /// # Ok::<(), vgg::ConfigError>(())
    /// ```
    pub fn parameter_count(&self) -> u128 {
        let counts = self.layer_sizes().into_iter().map(|size| {
            let of_output = size.inputs.saturating_add(size.beside);
            of_output
                .saturating_mul(size.outputs)
                .saturating_mul(size.count)
        });
        counts.fold(0, u128::saturating_add)
    }

    /// Bytes of the largest layer's weights in `f32`, for [`crate::device::check_tensor`].
    ///
    /// ```
    /// let config = vgg::VggConfig::named("vgg16")?;
    /// assert_eq!(config.largest_weight_bytes(), 7 * 7 * 512 * 4096 * 4);
    /// # Ok::<(), vgg::ConfigError>(())
    /// ```
    pub fn largest_weight_bytes(&self) -> u64 {
        let sizes = self.layer_sizes().into_iter();
        let largest = sizes
            .map(|size| size.inputs.saturating_mul(size.outputs))
            .max();
        let bytes = largest.unwrap_or(0).saturating_mul(4);
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The sizes of all layers with weights, in their order.
    fn layer_sizes(&self) -> Vec<LayerSize> {
        let mut sizes = Vec::new();
        let mut inputs = self.input_channels as u128;
        let beside = if self.batch_norm { 3 } else { 1 };
        for (block, channels) in self.blocks.iter().zip(self.channels()) {
            let outputs = channels as u128;
            let mut convolutions = |inputs: u128, count: usize| {
                sizes.push(LayerSize {
                    inputs: inputs.saturating_mul(9),
                    outputs,
                    beside,
                    count: count as u128,
                });
            };
            let Some(others) = block.convolutions.checked_sub(1) else {
                continue;
            };
            convolutions(inputs, 1);
            if others > 0 {
                convolutions(outputs, others);
            }
            inputs = outputs;
        }
        let mut inputs = self.feature_count() as u128;
        for size in self.hidden_sizes().into_iter().chain([self.classes]) {
            let outputs = size as u128;
            sizes.push(LayerSize {
                inputs,
                outputs,
                beside: 1,
                count: 1,
            });
            inputs = outputs;
        }
        sizes
    }
}

/// Layers of one size that follow each other.
struct LayerSize {
    /// Weights of one output.
    inputs: u128,
    outputs: u128,
    /// Parameters of one output beside its weights: the bias, and a norm's two.
    beside: u128,
    count: u128,
}
