//! What is taken from a file of weights, and what was.

/// Which part of a network takes its weights from a file. The rest keeps what it has, and what
/// the file holds for it is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// All but the last linear layer: for other classes than the file's network tells apart.
    WithoutOutput,
    /// The convolutions and their norms.
    Features,
}

impl Part {
    /// Whether it holds the module at `path` in a network.
    pub(super) fn holds(self, path: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::WithoutOutput => !path.starts_with("output"),
            Self::Features => path.starts_with("blocks."),
        }
    }
}

/// What [`Vgg::load_with`](crate::Vgg::load_with) takes from a file. The default is all of a network that is just
/// like the file's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// Which part of the network takes its weights from the file.
    pub part: Part,
    /// Behind which key of a checkpoint they are, such as `state_dict` or `model_ema`. `None`: behind the only one,
    /// or of several the one that is no average and stands highest; [`LoadReport`] says which.
    pub key: Option<String>,
    /// The network comes to tell as many classes apart as the file's does.
    pub classes_of_file: bool,
    /// A file of the convolutions alone is no error: the linear layers stay as they are.
    pub features_suffice: bool,
}

impl From<Part> for LoadOptions {
    fn from(part: Part) -> Self {
        Self {
            part,
            ..Self::default()
        }
    }
}

/// What was noticed while weights were loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadReport {
    /// Tensors that hold NaN or infinite numbers, by their names in the file. Whatever they take
    /// part in computing is as useless.
    pub not_finite: Vec<String>,
    /// Which part of the network has its weights from the file.
    pub part: Part,
    /// The key of the weights in the file, wrappers such as `module` left out; empty if their names have none.
    pub key: String,
    /// Keys of further weights of a VGG in the file, which were left.
    pub other_keys: Vec<String>,
}
