//! How weights lie.

/// The order of the weights that a [`Linear`](crate::Linear) is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightOrder {
    /// `[out_features, in_features]`, as PyTorch has them.
    #[default]
    OutIn,
    /// `[in_features, out_features]`, as Burn has them.
    InOut,
}
