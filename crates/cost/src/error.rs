//! What can go wrong.

use thiserror::Error;

use crate::hint::hint;

/// Bytes of the largest tensor that is counted. With it the work of every operation, which is at
/// most some multiple of the product of two tensors' sizes, fits into 128 bits, and so does the
/// sum of more operations than a forward pass can have.
pub(crate) const LARGEST_TENSOR: u128 = 1 << 56;

/// An analysis that did not come about.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The forward pass panicked, mostly on shapes that do not fit or on tensors of another
    /// device than the inputs'.
    #[error("the forward pass stopped after {after}: {message}{}", sentence(.hint))]
    Forward {
        /// The last operation that went well, its module and the shape that it put out.
        after: String,
        /// The panic's message.
        message: String,
        /// What mostly lies behind such a message, and the way out.
        hint: Option<&'static str>,
    },
    /// The module could not be built on the recording device.
    #[error("the module could not be built: {message}{}", sentence(.hint))]
    Init {
        /// The panic's message.
        message: String,
        /// What mostly lies behind such a message, and the way out.
        hint: Option<&'static str>,
    },
    /// The forward pass returned an error.
    #[error("the forward pass returned an error: {0}")]
    Rejected(String),
    /// An output is not on the recording device, so it was not made from the recorded inputs.
    #[error("output {index} was not made from the inputs: it lies on another device")]
    ForeignOutput {
        /// The output's position, from 0.
        index: usize,
    },
    /// A tensor is larger than any memory, so that what happens to it cannot be counted.
    #[error("{what} has the shape {shape:?}: more than {} PiB", LARGEST_TENSOR >> 50)]
    TooLarge {
        /// What it is, such as ``the tensor that follows `conv2d` ``.
        what: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The module holds quantised weights, which Burn cannot record.
    #[error("the parameter `{path}` is quantised; dequantise the module before analysing it")]
    Quantized {
        /// The parameter's path.
        path: String,
    },
    /// Modules are nested so deep that walking through them would use up the stack.
    #[error("modules are nested more than {limit} deep")]
    TooDeep {
        /// The deepest nesting that is analysed.
        limit: usize,
    },
    /// A rule of your own panicked.
    #[error("the rule for `{operation}` panicked: {message}")]
    Rule {
        /// The identifier of the custom operation.
        operation: String,
        /// The panic's message.
        message: String,
    },
    /// An ONNX model cannot be analysed.
    #[error("{place}: {reason}")]
    Onnx {
        /// The file, the input or the operator.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The module's own code panicked while its parameters were looked at.
    #[error("the module's parameters cannot be read: {0}")]
    Module(String),
    /// Burn refused to record.
    #[error("Burn cannot record this forward pass: {0}")]
    Capture(String),
    /// Strict mode: there are operations without a rule.
    #[error("no rule for {}", list(.0))]
    Uncounted(
        /// Names, paths and numbers of the operations.
        Vec<String>,
    ),
}

impl Error {
    /// A panic of the forward pass; what went before it is added later.
    pub(crate) fn forward(message: String) -> Self {
        let hint = hint(&message);
        Self::Forward {
            after: String::new(),
            message,
            hint,
        }
    }

    /// A panic while the module was built.
    pub(crate) fn init(message: String) -> Self {
        let hint = hint(&message);
        Self::Init { message, hint }
    }
}

fn sentence(hint: &Option<&'static str>) -> String {
    hint.map_or(String::new(), |hint| format!("\n{hint}"))
}

fn list(operations: &[String]) -> String {
    operations.join(", ")
}
