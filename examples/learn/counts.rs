//! What a network costs, known before anything is trained.

use burn::tensor::Device;
use cost::Options;

use crate::design::{Design, SIDE};
use crate::network::Network;

/// For one image.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    pub parameters: u128,
    /// Multiply-accumulates.
    pub macs: u128,
}

impl Counts {
    /// Counted by recording the network's forward pass.
    ///
    /// # Errors
    /// As [`cost::analyse`].
    pub fn of(design: Design, device: &Device) -> Result<Self, cost::Error> {
        let network = Network::new(design, device);
        let analysis = cost::analyse(&network, |network, inputs| {
            network.forward(inputs.float([1, 1, SIDE, SIDE]))
        })?;
        let total = analysis.report(&Options::default()).total;
        Ok(Self {
            parameters: total.parameters.count(),
            macs: total.cost,
        })
    }
}
