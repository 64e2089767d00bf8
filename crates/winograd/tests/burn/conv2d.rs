//! The convolutions that stand in for Burn's, against Burn's.

use burn::module::Module;
use burn::nn::PaddingConfig2d;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Tensor, module};
use winograd::burn::{Conv2dExt, conv2d};

use super::{close, devices, tensor};

/// Some that this crate has, and some that it leaves to Burn: kernel, stride, padding of rows and of columns,
/// dilation, groups.
type Case = ([usize; 2], usize, [(usize, usize); 2], usize, usize);
const CASES: [Case; 11] = [
    ([3, 3], 1, [(1, 1), (1, 1)], 1, 1),
    ([3, 3], 1, [(0, 0), (0, 0)], 1, 1),
    ([3, 3], 1, [(2, 2), (2, 2)], 1, 1),
    ([3, 3], 1, [(3, 3), (3, 3)], 1, 1),
    ([3, 3], 1, [(1, 2), (0, 1)], 1, 1),
    ([3, 3], 1, [(1, 1), (0, 0)], 1, 1),
    ([3, 3], 2, [(1, 1), (1, 1)], 1, 1),
    ([3, 3], 1, [(2, 2), (2, 2)], 2, 1),
    ([3, 3], 1, [(1, 1), (1, 1)], 1, 2),
    ([1, 1], 1, [(0, 0), (0, 0)], 1, 1),
    ([7, 7], 2, [(3, 3), (3, 3)], 1, 1),
];

/// Batch, channels in and out, height and width.
const SIZES: [[usize; 5]; 4] = [
    [1, 4, 8, 9, 11],
    [3, 20, 18, 7, 7],
    [2, 6, 2, 3, 4],
    [2, 40, 34, 14, 13],
];

fn options((_, stride, padding, dilation, groups): Case) -> ConvOptions<2> {
    ConvOptions::new_with_padding([stride; 2], padding, [dilation; 2], groups)
}

fn weight(case: Case, [_, inputs, outputs, ..]: [usize; 5], device: &Device) -> Tensor<4> {
    let (kernel, groups) = (case.0, case.4);
    tensor(
        [outputs, inputs / groups, kernel[0], kernel[1]],
        0.3,
        device,
    )
}

/// Whether the window fits into the padded input: Burn panics where it does not.
fn fits((kernel, _, padding, dilation, _): Case, [_, _, _, height, width]: [usize; 5]) -> bool {
    let fits = |size: usize, kernel: usize, (before, after): (usize, usize)| {
        size + before + after > dilation * (kernel - 1)
    };
    fits(height, kernel[0], padding[0]) && fits(width, kernel[1], padding[1])
}

fn each(mut run: impl FnMut(Case, [usize; 5])) {
    for case in CASES {
        for size in SIZES.into_iter().filter(|size| fits(case, *size)) {
            run(case, size);
        }
    }
}

#[test]
fn forward() {
    for device in devices() {
        each(|case, size| {
            let [batch, inputs, outputs, height, width] = size;
            let input = tensor([batch, inputs, height, width], 1.0, &device);
            let weight = weight(case, size, &device);
            for bias in [None, Some(tensor([outputs], 0.5, &device))] {
                let found = conv2d(input.clone(), weight.clone(), bias.clone(), options(case));
                let expected = module::conv2d(input.clone(), weight.clone(), bias, options(case));
                close(found, expected);
            }
        });
    }
}

#[test]
fn gradients() {
    for device in devices() {
        let device = device.autodiff();
        each(|case, size| {
            let [batch, inputs, outputs, height, width] = size;
            for with_bias in [false, true] {
                let run = |ours: bool| {
                    let input = tensor([batch, inputs, height, width], 1.0, &device).require_grad();
                    let weight = weight(case, size, &device).require_grad();
                    let bias = with_bias.then(|| tensor([outputs], 0.5, &device).require_grad());
                    let arguments = (input.clone(), weight.clone(), bias.clone(), options(case));
                    let output = match (ours, arguments) {
                        (true, (input, weight, bias, options)) => {
                            conv2d(input, weight, bias, options)
                        }
                        (false, (input, weight, bias, options)) => {
                            module::conv2d(input, weight, bias, options)
                        }
                    };
                    let scale = tensor(output.dims(), 1.0, &device);
                    let gradients = (output * scale).sum().backward();
                    let of_bias = bias.map(|bias| bias.grad(&gradients).expect("a gradient"));
                    (
                        input.grad(&gradients).expect("a gradient"),
                        weight.grad(&gradients).expect("a gradient"),
                        of_bias,
                    )
                };
                let (found, expected) = (run(true), run(false));
                close(found.0, expected.0);
                close(found.1, expected.1);
                if let (Some(found), Some(expected)) = (found.2, expected.2) {
                    close(found, expected);
                }
            }
        });
    }
}

#[test]
fn a_module_s_padding_is_taken_as_burn_takes_it() {
    for device in devices() {
        for padding in [
            PaddingConfig2d::Same,
            PaddingConfig2d::Valid,
            PaddingConfig2d::Explicit(2, 2, 2, 2),
            PaddingConfig2d::Explicit(1, 2, 0, 1),
        ] {
            for (kernel, stride) in [([3, 3], 1), ([3, 3], 2), ([2, 4], 1)] {
                let conv: Conv2d = Conv2dConfig::new([6, 5], kernel)
                    .with_stride([stride; 2])
                    .with_padding(padding.clone())
                    .init(&device);
                let input = tensor([2, 6, 9, 10], 1.0, &device);
                close(conv.forward_winograd(input.clone()), conv.forward(input));
            }
        }
    }
}

#[test]
fn weights_that_are_not_trained_get_no_gradient() {
    for device in devices() {
        let device = device.autodiff();
        let config = Conv2dConfig::new([6, 5], [3, 3]).with_bias(false);
        let conv = config.init(&device).no_grad();
        let input = tensor([2, 6, 9, 10], 1.0, &device).require_grad();
        let gradients = conv.forward_winograd(input.clone()).sum().backward();
        assert!(conv.weight.grad(&gradients).is_none());
        let expected = conv.forward(input.clone()).sum().backward();
        close(
            input.grad(&gradients).expect("a gradient"),
            input.grad(&expected).expect("a gradient"),
        );
    }
}

#[test]
fn other_numbers_are_left_to_burn() {
    for device in devices() {
        let input = tensor([1, 4, 6, 6], 1.0, &device).cast(DType::F64);
        let weight = tensor([3, 4, 3, 3], 0.3, &device).cast(DType::F64);
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let found = conv2d(input.clone(), weight.clone(), None, options.clone());
        assert_eq!(found.dtype(), DType::F64);
        let expected = module::conv2d(input, weight, None, options);
        assert_eq!(found.into_data(), expected.into_data());
    }
}

#[test]
fn views_are_read_as_what_they_show() {
    for device in devices() {
        let input = tensor([2, 9, 8, 7], 1.0, &device).permute([0, 3, 1, 2]);
        let weight = tensor([3, 3, 7, 5], 0.3, &device).permute([3, 2, 0, 1]);
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        let found = conv2d(input.clone(), weight.clone(), None, options.clone());
        close(found, module::conv2d(input, weight, None, options));
    }
}
