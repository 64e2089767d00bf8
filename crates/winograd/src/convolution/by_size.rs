//! A convolution in all the forms in which it is the fastest somewhere.

use std::sync::OnceLock;

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
pub struct ConvsBySize([OnceLock<Conv3x3>; Algorithm::ALL.len()]);

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
        let known = Algorithm::ALL.into_iter().zip(&self.0);
        let mut places = known.filter(|(algorithm, _)| *algorithm == options.algorithm);
        let (_, place) = places.next().expect("all algorithms are listed");
        if let Some(conv) = place.get() {
            return Ok(conv);
        }
        // Whoever packs at the same time packs the same.
        let conv = pack(options)?;
        Ok(place.get_or_init(|| conv))
    }
}
