//! What lies behind Burn's messages.

const READ: &str = "A value was read. The forward pass is recorded, not computed, so its tensors \
    have no values: leave `into_data`, `into_scalar`, `to_device` and branches on values out of \
    the closure, or pass in the value that they would give.";

const DEVICE: &str = "A tensor lies on another device than the inputs. Make it on the input's \
    (`x.device()` or `inputs.device()`); a module that keeps a device of its own is analysed by \
    `analyse_init`, which builds it on the recording's.";

const DTYPE: &str = "Two tensors have different element types. Make the inputs in the type of \
    the weights (`inputs.float_as`, `inputs.int_as`), or `cast` one of the two.";

const GRADIENTS: &str = "The forward pass asked for gradients, which are not recorded: leave \
    `require_grad` and `backward` out; `Options::with_training` adds the backward pass by rule.";

const SEED: &str = "Nothing random is drawn in a recording: seed the device outside of it.";

/// Parts of messages.
const KNOWN: &[(&str, &str)] = &[
    ("has no concrete value", READ),
    ("Cannot move a tensor from a capture device", READ),
    ("Cannot move a computed", READ),
    ("on the wrong backend", DEVICE),
    ("not on the same device", DEVICE),
    ("to a capture device with autodiff", DEVICE),
    ("DTypeMismatch", DTYPE),
    ("dtype mismatch", DTYPE),
    ("requires autodiff", GRADIENTS),
    ("requires a tracked autodiff tensor", GRADIENTS),
    ("do not support autodiff", GRADIENTS),
    ("seeding is not supported", SEED),
];

/// What mostly lies behind a panic's message, and the way out.
pub(crate) fn hint(message: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|(part, _)| message.contains(part));
    known.map(|&(_, hint)| hint)
}
