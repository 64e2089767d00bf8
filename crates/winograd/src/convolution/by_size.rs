//! A convolution in all the forms in which it is the fastest somewhere.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Algorithm, Conv3x3, ConvOptions};

/// A convolution packed for each algorithm that the sizes of its inputs have asked for: which one is the fastest
/// depends on them.
///
/// ```
/// use winograd::{Conv3x3, ConvOptions, ConvsBySize, LayerSize};
///
/// let weights = vec![0.5; 32 * 16 * 9];
/// let convs = ConvsBySize::default();
/// for side in [3, 56] {
///     let options = ConvOptions::for_size(&LayerSize {
///         batch: 1,
///         in_channels: 16,
///         out_channels: 32,
///         out_height: side,
///         out_width: side,
///         pool: false,
///     });
///     let conv = convs.get_or_pack(options, |options| Conv3x3::new(&weights, None, 16, 32, options))?;
///     assert_eq!(conv.options().algorithm, options.algorithm);
/// }
/// # Ok::<(), winograd::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct ConvsBySize([Form; Algorithm::ALL.len()]);

/// The convolution for one algorithm.
#[derive(Debug, Default)]
struct Form {
    asked: AtomicBool,
    packed: OnceLock<Conv3x3>,
}

impl ConvsBySize {
    /// The convolution with the algorithm of `options`, made by `pack` where it is asked for the first time.
    ///
    /// # Errors
    /// What `pack` says.
    pub fn get_or_pack<E>(
        &self,
        options: ConvOptions,
        pack: impl FnOnce(ConvOptions) -> Result<Conv3x3, E>,
    ) -> Result<&Conv3x3, E> {
        let packed = &self.form(options.algorithm).packed;
        if let Some(conv) = packed.get() {
            return Ok(conv);
        }
        // Whoever packs at the same time packs the same.
        let conv = pack(options)?;
        Ok(packed.get_or_init(|| conv))
    }

    /// Whether this was asked for the algorithm before: the first answer of a network comes sooner if it does not wait
    /// until weights are packed for good, see [`convolve_once`](crate::convolve_once).
    pub fn asked_before(&self, algorithm: Algorithm) -> bool {
        self.form(algorithm).asked.swap(true, Ordering::Relaxed)
    }

    fn form(&self, algorithm: Algorithm) -> &Form {
        let place = Algorithm::ALL.iter().position(|known| *known == algorithm);
        &self.0[place.expect("all algorithms are listed")]
    }
}
