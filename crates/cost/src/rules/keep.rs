//! Where an operation's result lies, and what is kept of it for the backward pass.
//!
//! Both follow Burn 0.22: what is kept, burn-autodiff without gradient checkpointing; where
//! results lie, burn-flex. Operations that autodiff has no rule for are made of smaller ones
//! there (the defaults of burn-backend), whose results are kept instead.

/// Where the first output lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In memory of its own.
    Own,
    /// In the memory of its input: another look at the same values.
    View,
    /// In the memory of an input of its size that nobody needs any more, if there is one.
    Over,
    /// In training as [`Over`](Self::Over), as it is made of smaller operations there; in
    /// inference in memory of its own.
    OverInTraining,
}

impl Place {
    /// Whether the result may replace an input.
    pub(crate) fn replaces(self, training: bool) -> bool {
        match self {
            Self::Own | Self::View => false,
            Self::Over => true,
            Self::OverInTraining => training,
        }
    }
}

/// Which tensors the gradients need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saves {
    /// None.
    Nothing,
    /// The inputs at these positions, for any gradient.
    Inputs(&'static [usize]),
    /// All inputs, for any gradient.
    All,
    /// The outputs at these positions, for any gradient.
    Outputs(&'static [usize]),
    /// For the gradient of each of two factors the other one.
    Other,
    /// The divisor, and for its own gradient the dividend too.
    Divisor,
}

impl Saves {
    /// What the gradient of the input at `position` needs, of the operation's tensors.
    pub(crate) fn tensors(
        self,
        position: usize,
        inputs: &[usize],
        outputs: &[usize],
    ) -> Vec<usize> {
        let of = |tensors: &[usize], positions: &[usize]| {
            let tensors = positions.iter().filter_map(|&at| tensors.get(at));
            tensors.copied().collect()
        };
        match self {
            Self::Nothing => Vec::new(),
            Self::Inputs(positions) => of(inputs, positions),
            Self::All => inputs.to_vec(),
            Self::Outputs(positions) => of(outputs, positions),
            Self::Other if position == 0 => of(inputs, &[1]),
            Self::Other => of(inputs, &[0]),
            Self::Divisor if position == 0 => of(inputs, &[1]),
            Self::Divisor => of(inputs, &[0, 1]),
        }
    }
}
