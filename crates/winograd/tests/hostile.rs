//! Sizes that nobody has in good faith: each call returns, with an error or without, and asks for no more memory
//! than what it was given is worth.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use winograd::{
    Activation, Algorithm, BatchNorm, BatchNormLayer, BatchStatistics, Conv3x3, ConvOptions,
    ConvParameters, Error, GradientInputs, Kernel, LayerSize, Linear, LinearOptions, Storage,
    WeightOrder, Workspace, batch_norm, batch_norm_gradient, convolve_once, fold_batch_norm,
    max_pool, max_pool_gradient, relu_gradient, weight_gradient,
};

/// What no call of this file needs at a time: inputs are of a few thousand numbers.
const MOST: usize = 64 << 20;

struct Measuring;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

impl Measuring {
    /// Whether to give memory out: what is far too much is refused, before a machine runs out of it.
    fn gives(layout: Layout) -> bool {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        layout.size() <= 16 * MOST
    }
}

// SAFETY: everything is passed on to the system's allocator, or refused.
unsafe impl GlobalAlloc for Measuring {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match Self::gives(layout) {
            // SAFETY: as the caller promises.
            true => unsafe { System.alloc(layout) },
            false => std::ptr::null_mut(),
        }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Measuring = Measuring;

/// Fails if anything large was asked for so far.
#[track_caller]
fn little_was_asked_for() {
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= MOST, "{largest} bytes were asked for at once");
}

const HALF: usize = usize::MAX / 2 + 1;
/// Its square is one more than the largest number.
const ROOT: usize = 1 << (usize::BITS / 2);

/// Sizes that are ordinary, that wrap when they are multiplied or rounded up, or that are just too large.
fn size() -> impl Strategy<Value = usize> {
    let large = vec![
        1 << 16,
        1 << 20,
        ROOT - 1,
        ROOT,
        ROOT + 1,
        isize::MAX as usize / 4,
        isize::MAX as usize / 4 + 1,
        isize::MAX as usize,
        HALF,
        HALF + 1,
        usize::MAX / 64 + 1,
        usize::MAX / 16,
        usize::MAX / 16 + 1,
        usize::MAX / 9,
        usize::MAX / 9 + 1,
        usize::MAX / 4 + 1,
        usize::MAX - 63,
        usize::MAX - 15,
        usize::MAX - 2,
        usize::MAX - 1,
        usize::MAX,
    ];
    prop_oneof![4 => 0usize..20, 3 => select(large), 1 => any::<usize>()]
}

fn sizes<const N: usize>() -> impl Strategy<Value = [usize; N]> {
    proptest::collection::vec(size(), N).prop_map(|sizes| sizes.try_into().expect("as many"))
}

/// As many numbers as the sizes ask for, where that is a few and `length` is `None`; else any few.
fn values(sizes: &[usize], length: Option<Index>) -> Vec<f32> {
    let product = sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size));
    match (length, product) {
        (None, Some(product)) if product <= 1 << 15 => vec![0.5; product],
        (None, _) => Vec::new(),
        (Some(length), _) => vec![0.5; length.index(700)],
    }
}

/// Mostly `None`.
fn length() -> impl Strategy<Value = Option<Index>> {
    proptest::option::weighted(0.3, any::<Index>())
}

/// Nothing, or a small activation.
fn activation() -> impl Strategy<Value = Activation> {
    let some = [0usize..3, 0usize..20, 0usize..7, 0usize..7].prop_map(|[batch, c, h, w]| {
        let data = vec![0.5; batch * c * h * w];
        Activation::from_nchw(&data, [batch, c, h, w]).unwrap_or_default()
    });
    prop_oneof![1 => Just(Activation::new()), 6 => some]
}

/// Also a kernel that no one machine has beside the others.
fn conv_options() -> impl Strategy<Value = ConvOptions> {
    let padding = prop_oneof![6 => 0usize..=3, 1 => size()];
    let kernel = prop_oneof![4 => Just(Kernel::detect()), 1 => select(Kernel::ALL.to_vec())];
    (
        padding,
        any::<[bool; 2]>(),
        select(Algorithm::ALL.to_vec()),
        kernel,
    )
        .prop_map(|(padding, [relu, pool], algorithm, kernel)| ConvOptions {
            padding,
            relu,
            pool,
            algorithm,
            kernel,
        })
}

fn layer_size([batch, in_channels, out_channels, out_height, out_width]: [usize; 5]) -> LayerSize {
    LayerSize {
        batch,
        in_channels,
        out_channels,
        out_height,
        out_width,
        pool: out_height.is_multiple_of(3),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn convolutions(
        [inputs, outputs] in sizes(),
        image in sizes::<3>(),
        options in conv_options(),
        lengths in [length(), length(), length()],
        map in activation(),
    ) {
        let mut workspace = Workspace::new();
        let mut output = Activation::new();
        let weights = values(&[outputs, inputs, 9], lengths[0]);
        let bias = values(&[outputs], lengths[1]);
        let bias = lengths[2].is_none().then_some(bias.as_slice());
        let [batch, height, width] = image;
        let pixels = values(&[batch, inputs, height, width], lengths[2]);
        for made in [
            Conv3x3::new(&weights, bias, inputs, outputs, options),
            Conv3x3::input_gradient(&weights, inputs, outputs, options),
        ] {
            let Ok(mut layer) = made else { continue };
            let _ = layer.set_weights(&weights, Some(&pixels));
            let _ = layer.set_weights(&pixels, bias);
            let _ = layer.forward(&map, &mut output, &mut workspace);
            let shape = [batch, layer.in_channels(), height, width];
            let _ = layer.forward_nchw(&pixels, shape, &mut output, &mut workspace);
        }
        let weights = match lengths[0] {
            None => values(&[outputs, map.channels(), 9], None),
            Some(_) => weights,
        };
        let parameters = ConvParameters { weights: &weights, bias, out_channels: outputs };
        let _ = convolve_once(&parameters, options, &map, &mut output, &mut workspace);
        little_was_asked_for();
    }

    #[test]
    fn linear_layers(
        [inputs, outputs, batch] in sizes(),
        lengths in [length(), length(), length()],
        turned in any::<bool>(),
        half in any::<bool>(),
        kernel in select(Kernel::ALL.to_vec()),
    ) {
        let options = LinearOptions {
            order: if turned { WeightOrder::InOut } else { WeightOrder::OutIn },
            storage: if half { Storage::F16 } else { Storage::F32 },
            kernel,
            ..LinearOptions::default()
        };
        let weights = values(&[outputs, inputs], lengths[0]);
        let bias = values(&[outputs], lengths[1]);
        let bias = lengths[2].is_none().then_some(bias.as_slice());
        if let Ok(layer) = Linear::new(&weights, bias, inputs, outputs, options) {
            let input = values(&[batch, inputs], lengths[1]);
            let mut output = values(&[batch, outputs], lengths[2]);
            let _ = layer.forward(&input, &mut output, &mut Workspace::new());
        }
        little_was_asked_for();
    }

    #[test]
    fn activations(shape in sizes::<4>(), length in length(), mut kept in activation()) {
        let [batch, channels, height, width] = shape;
        let data = values(&shape, length);
        let before = kept.to_nchw();
        let taken = kept.copy_from_nchw(&data, [batch, channels, height, width]);
        let expected = if taken.is_ok() { &data } else { &before };
        prop_assert_eq!(&kept.to_nchw(), expected);
        let mut other = values(&shape, length);
        prop_assert_eq!(kept.copy_to_nchw(&mut other).is_ok(), other.len() == kept.len());
        let anew = Activation::from_nchw(&data, [batch, channels, height, width]);
        prop_assert_eq!(anew.is_ok(), taken.is_ok());
        little_was_asked_for();
    }

    #[test]
    fn choices(size in sizes::<5>(), among in proptest::sample::subsequence(Algorithm::ALL.to_vec(), 0..=5)) {
        let size = layer_size(size);
        let _ = ConvOptions::for_size(&size);
        let _ = Algorithm::choose_among(&among, &size);
    }

    #[test]
    fn what_follows_convolutions(
        maps in [activation(), activation()],
        alike in any::<bool>(),
        padding in prop_oneof![4 => 0usize..=3, 1 => size()],
        channels in 0usize..20,
        length in length(),
    ) {
        let [first, mut second] = maps;
        if alike {
            second = first.clone();
        }
        let mut output = Activation::new();
        let channels = if alike { first.channels() } else { channels };
        let (gamma, beta) = (vec![1.0; channels], vec![0.0; channels]);
        let layer = BatchNormLayer { gamma: &gamma, beta: &beta, epsilon: 1e-5, relu: true, across: None };
        let of_zeros = BatchStatistics { mean: beta.clone(), variance: gamma.clone(), pixels: 1 };
        let _ = max_pool(&first, &mut output);
        let _ = relu_gradient(&first, &mut second);
        let _ = max_pool_gradient(&first, &output, &mut Activation::new(), true);
        let _ = max_pool_gradient(&first, &second, &mut Activation::new(), false);
        let statistics = batch_norm(&first, &layer, &mut output).unwrap_or(of_zeros);
        let _ = batch_norm_gradient(&first, &layer, &statistics, &mut second);
        let mut weights = values(&[second.channels(), first.channels(), 9], length);
        let mut bias = values(&[second.channels()], length);
        let inputs = GradientInputs { input: &first, gradient: &second, padding, kernel: Kernel::detect() };
        let _ = weight_gradient(&inputs, &mut weights, Some(&mut bias), &mut Workspace::new());
        let norm = BatchNorm {
            gamma: &gamma,
            beta: &beta,
            mean: &statistics.mean,
            variance: &statistics.variance,
            epsilon: 1e-5,
        };
        let _ = fold_batch_norm(&mut weights, &mut bias, &norm);
        little_was_asked_for();
    }
}

/// Algorithms pack weights in different ways.
fn each_algorithm() -> impl Iterator<Item = ConvOptions> {
    let options = ConvOptions::for_size(&layer_size([1; 5]));
    Algorithm::ALL
        .map(|algorithm| options.with_algorithm(algorithm))
        .into_iter()
}

#[test]
fn missing_weights_are_missed_before_there_is_memory_for_them() {
    let many = ROOT;
    for options in each_algorithm() {
        for (inputs, outputs) in [(1, many), (many, 1)] {
            let error = Conv3x3::new(&[], None, inputs, outputs, options).expect_err("no weights");
            assert!(
                matches!(
                    error,
                    Error::Length {
                        what: "weights",
                        found: 0,
                        ..
                    }
                ),
                "{error}"
            );
            let error = Conv3x3::input_gradient(&[], inputs, outputs, options).expect_err("none");
            assert!(
                matches!(
                    error,
                    Error::Length {
                        what: "weights",
                        found: 0,
                        ..
                    }
                ),
                "{error}"
            );
        }
        let bias = [0.0; 3];
        let error = Conv3x3::new(&[0.0; 18], Some(&bias), 1, 2, options).expect_err("no such bias");
        assert!(
            matches!(
                error,
                Error::Length {
                    what: "bias",
                    expected: 2,
                    found: 3
                }
            ),
            "{error}"
        );
    }
    little_was_asked_for();
}

#[test]
fn sizes_that_cannot_be_addressed_are_too_large() {
    for options in each_algorithm() {
        for (inputs, outputs) in [
            (usize::MAX, 1),
            (1, usize::MAX),
            (usize::MAX, usize::MAX),
            (usize::MAX - 15, 1),
            (1, usize::MAX / 9 + 1),
            (ROOT, ROOT),
        ] {
            let error = Conv3x3::new(&[], None, inputs, outputs, options).expect_err("too large");
            assert_eq!(error, Error::TooLarge("weights"));
            let error = Conv3x3::input_gradient(&[], inputs, outputs, options).expect_err("too");
            assert_eq!(error, Error::TooLarge("weights"));
        }
    }
    let error =
        Linear::new(&[], None, ROOT, ROOT, LinearOptions::default()).expect_err("too large");
    assert_eq!(error, Error::TooLarge("weights"));
    let error = Activation::from_nchw(&[], [ROOT, ROOT, 1, 1]).expect_err("too large");
    assert_eq!(error, Error::TooLarge("input"));
}

#[test]
fn nothing_has_no_statistics_and_no_gradient() {
    let (nothing, mut output) = (Activation::new(), Activation::new());
    let layer = BatchNormLayer {
        gamma: &[],
        beta: &[],
        epsilon: 1e-5,
        relu: false,
        across: None,
    };
    let error = batch_norm(&nothing, &layer, &mut output).expect_err("nothing");
    assert_eq!(error, Error::Zero("batch"));
    let statistics = BatchStatistics {
        mean: vec![],
        variance: vec![],
        pixels: 0,
    };
    let error =
        batch_norm_gradient(&nothing, &layer, &statistics, &mut output).expect_err("nothing");
    assert_eq!(error, Error::Zero("batch"));
}
