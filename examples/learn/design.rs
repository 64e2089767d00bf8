//! What can be changed of the small VGG.

/// Pixels of an image's side.
pub const SIDE: usize = 28;
/// Feature maps that a block puts out.
pub const CHANNELS: [usize; 4] = [8, 16, 32, 64];
/// Values of the hidden linear layer.
pub const HIDDEN: usize = 64;
/// Kinds of clothes.
pub const CLASSES: usize = 10;

/// What the network is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Design {
    /// Blocks, each of which halves the side of the maps.
    pub blocks: usize,
    /// Convolutions in a block.
    pub layers: usize,
    /// The side of a filter.
    pub filter: usize,
    /// Whether a ReLU follows each layer.
    pub relu: bool,
    /// Whether poolings take the mean instead of the largest value.
    pub average: bool,
}

/// A network that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DesignError {
    /// Each block halves the side of the maps.
    #[error("images of {SIDE}×{SIDE} can be halved at most {most} times: 1 to {most} blocks, found {0}", most = CHANNELS.len())]
    Blocks(usize),
    /// Too few or too many.
    #[error("a block has 1 to {MOST_LAYERS} convolutions, found {0}")]
    Layers(usize),
    /// A filter is centred on a pixel.
    #[error(
        "a filter has a pixel in its middle, so its side is odd, and no larger than an image: 1, 3, 5 … 27, found {0}"
    )]
    Filter(usize),
}

/// Convolutions in a block, at most: enough to see what more of them do.
const MOST_LAYERS: usize = 8;

impl Default for Design {
    /// As VGG is: 3×3 filters, ReLU behind each layer, the largest of 2×2.
    fn default() -> Self {
        Self {
            blocks: 3,
            layers: 2,
            filter: 3,
            relu: true,
            average: false,
        }
    }
}

impl Design {
    /// # Errors
    /// Where images are too small for it, or there is no such filter.
    pub fn validate(&self) -> Result<(), DesignError> {
        match self {
            Self { blocks, .. } if !(1..=CHANNELS.len()).contains(blocks) => {
                Err(DesignError::Blocks(*blocks))
            }
            Self { layers, .. } if !(1..=MOST_LAYERS).contains(layers) => {
                Err(DesignError::Layers(*layers))
            }
            Self { filter, .. } if filter.is_multiple_of(2) || *filter > SIDE => {
                Err(DesignError::Filter(*filter))
            }
            _ => Ok(()),
        }
    }

    /// What sets it apart from the default.
    pub fn name(&self) -> String {
        let plain = Self::default();
        let mut parts = Vec::new();
        if self.blocks != plain.blocks {
            parts.push(format!("{} blocks", self.blocks));
        }
        if self.layers != plain.layers {
            let plural = if self.layers == 1 { "" } else { "s" };
            parts.push(format!("{} convolution{plural} a block", self.layers));
        }
        if self.filter != plain.filter {
            parts.push(format!("{0}×{0} filters", self.filter));
        }
        if self.relu != plain.relu {
            parts.push("no ReLU".to_owned());
        }
        if self.average != plain.average {
            parts.push("average pooling".to_owned());
        }
        if parts.is_empty() {
            "small VGG".to_owned()
        } else {
            parts.join(", ")
        }
    }

    /// The side of the square of pixels that one value behind the last pooling depends on, for an image without
    /// edges: each convolution adds a filter's side less one, each pooling one, in steps that every pooling doubles.
    pub fn receptive_field(&self) -> usize {
        let (mut field, mut step) = (1, 1);
        for _ in 0..self.blocks {
            field += self.layers * (self.filter - 1) * step;
            field += step;
            step *= 2;
        }
        field
    }
}
