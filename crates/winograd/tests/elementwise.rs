//! Pooling and masks against their definitions.

mod common;

use common::random;
use proptest::prelude::*;
use winograd::{Activation, Error, max_pool, max_pool_gradient, relu_gradient};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn pooling_and_its_gradient(
        batch in 1usize..3,
        channels in 1usize..20,
        height in 2usize..9,
        width in 2usize..9,
        relu: bool,
    ) {
        let planes = batch * channels;
        // Few different values, so that ties are frequent.
        let data: Vec<f32> = random(planes * height * width, 1).iter().map(|x| (x * 3.0).round()).collect();
        let (down, across) = (height / 2, width / 2);
        let gradient = random(planes * down * across, 2);
        let mut pooled = Vec::new();
        let mut expected = vec![0.0; data.len()];
        for plane in 0..planes {
            for y in 0..down {
                for x in 0..across {
                    let corner = (plane * height + 2 * y) * width + 2 * x;
                    let window = [corner, corner + 1, corner + width, corner + width + 1];
                    let largest = window.iter().fold(f32::MIN, |m, &i| m.max(data[i]));
                    let first = window.into_iter().find(|&i| data[i] == largest).unwrap();
                    if !relu || largest > 0.0 {
                        expected[first] = gradient[pooled.len()];
                    }
                    pooled.push(largest);
                }
            }
        }
        let x = Activation::from_nchw(&data, [batch, channels, height, width]).unwrap();
        let mut y = Activation::new();
        max_pool(&x, &mut y).unwrap();
        prop_assert_eq!(y.to_nchw(), pooled);
        let dy = Activation::from_nchw(&gradient, [batch, channels, down, across]).unwrap();
        let shape = [batch, channels, height, width];
        let mut dx = Activation::from_nchw(&vec![f32::NAN; data.len()], shape).unwrap();
        max_pool_gradient(&x, &dy, &mut dx, relu).unwrap();
        prop_assert_eq!(dx.to_nchw(), expected);
    }

    #[test]
    fn masks(batch in 1usize..3, channels in 1usize..20, height in 1usize..9, width in 1usize..9) {
        let count = batch * channels * height * width;
        let activated: Vec<f32> = random(count, 1).iter().map(|x| x.max(0.0)).collect();
        let gradient = random(count, 2);
        let x = Activation::from_nchw(&activated, [batch, channels, height, width]).unwrap();
        let mut dx = Activation::from_nchw(&gradient, [batch, channels, height, width]).unwrap();
        relu_gradient(&x, &mut dx).unwrap();
        let expected: Vec<f32> = activated
            .iter()
            .zip(&gradient)
            .map(|(&a, &g)| if a > 0.0 { g } else { 0.0 })
            .collect();
        prop_assert_eq!(dx.to_nchw(), expected);
    }
}

#[test]
fn wrong_shapes_are_errors() {
    let x = Activation::from_nchw(&[0.0; 16], [1, 1, 4, 4]).unwrap();
    let small = Activation::from_nchw(&[0.0; 4], [1, 1, 1, 4]).unwrap();
    let mut y = Activation::new();
    assert!(matches!(
        max_pool(&small, &mut y),
        Err(Error::TooSmall { height: 1, .. })
    ));
    assert!(matches!(
        max_pool_gradient(&x, &x, &mut y, true),
        Err(Error::Size {
            expected: 2,
            found: 4,
            ..
        })
    ));
    let mut gradient = small.clone();
    assert!(matches!(
        relu_gradient(&x, &mut gradient),
        Err(Error::Size {
            expected: 4,
            found: 1,
            ..
        })
    ));
}
