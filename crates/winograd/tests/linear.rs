//! Linear layers and folded norms against double precision.

mod common;

use common::random;
use proptest::prelude::*;
use winograd::{
    BatchNorm, Error, Kernel, Linear, LinearOptions, Storage, WeightOrder, Workspace,
    fold_batch_norm,
};

fn kernels() -> impl Strategy<Value = Kernel> {
    let available: Vec<_> = Kernel::ALL
        .into_iter()
        .filter(|k| k.is_available())
        .collect();
    prop::sample::select(available)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn agrees_with_double_precision(
        batch in 1usize..40,
        inputs in 1usize..200,
        outputs in 1usize..100,
        relu: bool,
        in_out: bool,
        half: bool,
        kernel in kernels(),
        threads in 1usize..4,
    ) {
        let x = random(batch * inputs, 1);
        let w = random(outputs * inputs, 2);
        let b = random(outputs, 3);
        // Of each output the value, and the sum of its terms' sizes: what rounding is relative to.
        let (mut expected, mut sizes) = (Vec::new(), Vec::new());
        for n in 0..batch {
            for o in 0..outputs {
                let terms = (0..inputs).map(|i| {
                    let w = w[if in_out { i * outputs + o } else { o * inputs + i }];
                    f64::from(x[n * inputs + i]) * f64::from(w)
                });
                let sum = terms.clone().sum::<f64>() + f64::from(b[o]);
                expected.push(if relu { sum.max(0.0) } else { sum });
                sizes.push(terms.map(f64::abs).sum::<f64>() + f64::from(b[o].abs()));
            }
        }
        let options = LinearOptions {
            relu,
            order: if in_out { WeightOrder::InOut } else { WeightOrder::OutIn },
            storage: if half { Storage::F16 } else { Storage::F32 },
            kernel,
        };
        let layer = Linear::new(&w, Some(&b), inputs, outputs, options).unwrap();
        let mut found = vec![f32::NAN; batch * outputs];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| layer.forward(&x, &mut found, &mut Workspace::new())).unwrap();
        // Half precision has eleven bits: each weight is off by half of the last one at most, all in the same
        // direction in the worst case.
        let bound = if half { f64::powi(2.0, -11) + 2e-6 } else { 2e-6 };
        for ((found, expected), size) in found.iter().zip(&expected).zip(&sizes) {
            let error = (f64::from(*found) - expected).abs();
            prop_assert!(error <= bound * size + 1e-6, "error {error:e} of {size}");
        }
    }

    #[test]
    fn a_folded_norm_is_the_layer_and_then_the_norm(channels in 1usize..10, each in 1usize..20) {
        let w = random(channels * each, 1);
        let b = random(channels, 2);
        let x = random(each, 3);
        let [gamma, beta, mean] = [4, 5, 6].map(|seed| random(channels, seed));
        let variance: Vec<f32> = random(channels, 7).iter().map(|v| v.abs()).collect();
        let norm = BatchNorm { gamma: &gamma, beta: &beta, mean: &mean, variance: &variance, epsilon: 1e-5 };
        let (mut folded, mut bias) = (w.clone(), b.clone());
        fold_batch_norm(&mut folded, &mut bias, &norm).unwrap();
        for c in 0..channels {
            let apply = |w: &[f32], b: f32| {
                let products = x.iter().zip(&w[c * each..]).map(|(x, w)| f64::from(x * w));
                products.sum::<f64>() + f64::from(b)
            };
            let factor = f64::from(gamma[c]) / (f64::from(variance[c]) + 1e-5).sqrt();
            let expected = factor * (apply(&w, b[c]) - f64::from(mean[c])) + f64::from(beta[c]);
            let found = apply(&folded, bias[c]);
            prop_assert!((found - expected).abs() <= 1e-5 * (1.0 + factor.abs() * each as f64));
        }
    }
}

#[test]
fn wrong_sizes_are_errors() {
    let options = LinearOptions::default();
    let error = Linear::new(&[0.0; 5], None, 2, 3, options).unwrap_err();
    assert_eq!(error.to_string(), "weights: expected 6 elements, found 5");
    let error = Linear::new(&[0.0; 6], Some(&[0.0; 2]), 2, 3, options).unwrap_err();
    assert_eq!(error.to_string(), "bias: expected 3 elements, found 2");
    assert_eq!(
        Linear::new(&[], None, 0, 3, options).unwrap_err(),
        Error::Zero("input features")
    );
    let layer = Linear::new(&[0.0; 6], None, 2, 3, options).unwrap();
    let workspace = &mut Workspace::new();
    assert!(layer.forward(&[0.0; 3], &mut [0.0; 3], workspace).is_err());
    assert!(layer.forward(&[0.0; 4], &mut [0.0; 3], workspace).is_err());
    assert!(layer.forward(&[], &mut [], workspace).is_err());
    layer.forward(&[0.0; 4], &mut [0.0; 6], workspace).unwrap();
}

#[test]
fn nan_and_infinity_pass() {
    let options = LinearOptions {
        relu: true,
        ..Default::default()
    };
    let layer = Linear::new(&[1.0, 2.0, 0.5, 0.5], None, 2, 2, options).unwrap();
    let mut y = [0.0; 2];
    layer
        .forward(&[f32::NAN, 1.0], &mut y, &mut Workspace::new())
        .unwrap();
    assert!(y.iter().all(|y| y.is_nan()));
    layer
        .forward(&[f32::INFINITY, 1.0], &mut y, &mut Workspace::new())
        .unwrap();
    assert_eq!(y, [f32::INFINITY; 2]);
}
