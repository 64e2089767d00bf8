//! One list of cases, run by every backend that is compiled in, against what PyTorch computes with
//! the same weights (files made by scripts/golden.py).
//!
//! Differences are relative to the largest value of a tensor. All backends compute with 32-bit
//! numbers and differ in the order of their sums alone: the longest one here has 9·16 + 1 terms in a
//! convolution and 784 in a linear layer, and there are 19 layers, which makes some 1e-6 in the logits.
//! Gradients of a batch add another sum over all pixels. 1e-4 leaves room for a GPU's fused
//! multiply-adds and for Winograd's transforms, and is far below what a wrong kernel gives.

#![cfg(all(feature = "flex", feature = "train"))]

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod forward;
mod golden;
mod step;
mod training;
#[cfg(feature = "wgpu")]
mod unavailable;

use burn::tensor::Device;
use vgg::Engine;

/// A backend under test.
#[derive(Clone, Copy)]
struct Side {
    backend: &'static str,
    /// Largest difference, relative to the largest value of the tensor.
    tolerance: f32,
}

impl Side {
    fn device(self) -> Device {
        vgg::device(self.backend).expect("a backend that is compiled in has a device")
    }

    /// Burn's own operations, and what takes their place on Flex.
    fn engines(self) -> Vec<Engine> {
        let mut engines = vec![Engine::Burn];
        if self.backend == "flex" {
            engines.push(Engine::default());
        }
        engines.dedup();
        engines
    }
}

/// The whole suite for each backend.
macro_rules! suite {
    ($($module:ident $feature:literal $tolerance:literal;)*) => { $(
        #[cfg(feature = $feature)]
        mod $module {
            const SIDE: crate::Side = crate::Side { backend: $feature, tolerance: $tolerance };

            #[test]
            fn logits() {
                crate::forward::logits(SIDE);
            }

            #[test]
            fn logits_at_full_size() {
                crate::forward::logits_at_full_size(SIDE);
            }

            #[test]
            fn batch_norm_in_training() {
                crate::forward::batch_norm_in_training(SIDE);
            }

            #[test]
            fn a_training_step() {
                crate::step::a_training_step(SIDE);
            }

            #[test]
            fn twenty_steps_have_the_losses_of_flex() {
                crate::training::twenty_steps(SIDE);
            }

            #[test]
            fn known_faults_are_still_there() {
                crate::faults::known_faults(SIDE);
            }
        }
    )* };
}

// A new backend is a line here: module, name of the backend and its feature, tolerance.
suite! {
    flex "flex" 1e-4;
    ndarray "ndarray" 1e-4;
    cpu "cpu" 1e-4;
    wgpu "wgpu" 1e-4;
    vulkan "vulkan" 1e-4;
    cuda "cuda" 1e-4;
}
