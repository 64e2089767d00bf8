//! Optimizer steps against their formulas.

use burn::tensor::{Device, Tensor};
use winograd::burn::{AdamWStep, SgdStep, adamw, sgd};

use super::{close, cpu_devices, devices, tensor};

const ADAMW: AdamWStep = AdamWStep {
    rate: 0.01,
    beta_1: 0.9,
    beta_2: 0.99,
    epsilon: 1e-6,
    weight_decay: 0.1,
    time: 3,
};

const SGD: SgdStep = SgdStep {
    rate: 0.01,
    momentum: 0.9,
    weight_decay: 0.1,
};

/// Gradients as they come: alone in their memory, a part of a larger tensor, and transposed.
fn gradients(device: &Device) -> [Tensor<2>; 3] {
    [
        tensor([70, 500], 0.5, device),
        tensor([71, 500], 0.5, device).narrow(0, 1, 70),
        tensor([500, 70], 0.5, device).transpose(),
    ]
}

#[test]
fn adamw_follows_its_formula() {
    for device in devices() {
        for gradient in gradients(&device) {
            let parameter = tensor([70, 500], 1.0, &device);
            let first = tensor([70, 500], 0.3, &device);
            let second = tensor([70, 500], 0.2, &device).abs();
            let moments = [first.clone(), second.clone()];
            let found = adamw(&ADAMW, &parameter, gradient.clone(), moments);
            let [new, m, v] = found.expect("it is taken");
            let expected_m = first * 0.9 + gradient.clone() * 0.1;
            let expected_v = second * 0.99 + gradient.clone() * gradient * 0.01;
            let root = (expected_v.clone() / (1.0 - 0.99f32.powi(3))).sqrt() + 1e-6;
            let step = expected_m.clone() / (1.0 - 0.9f32.powi(3)) / root;
            close(new, parameter * (1.0 - 0.01 * 0.1) - step * 0.01);
            close(m, expected_m);
            close(v, expected_v);
        }
    }
}

#[test]
fn sgd_follows_its_formula() {
    for device in devices() {
        for gradient in gradients(&device) {
            let parameter = tensor([70, 500], 1.0, &device);
            let velocity = tensor([70, 500], 0.3, &device);
            let found = sgd(&SGD, &parameter, gradient.clone(), velocity.clone());
            let [new, v] = found.expect("it is taken");
            let expected = velocity * 0.9 + gradient + parameter.clone() * 0.1;
            close(new, parameter - expected.clone() * 0.01);
            close(v, expected);
        }
    }
}

#[test]
fn what_others_hold_stays_as_it_was() {
    for device in devices() {
        let parameter = tensor([100], 1.0, &device);
        let [gradient, velocity] = [tensor([100], 0.5, &device), tensor([100], 0.3, &device)];
        let held = [parameter.clone(), gradient.clone(), velocity.clone()];
        assert!(sgd(&SGD, &parameter, gradient, velocity).is_ok());
        for (held, scale) in held.into_iter().zip([1.0, 0.5, 0.3]) {
            let before = tensor::<1>([100], scale, &device);
            assert_eq!(held.into_data(), before.into_data());
        }
    }
}

#[test]
fn tensors_that_do_not_fit_come_back() {
    for device in devices() {
        let parameter = tensor([10], 1.0, &device);
        let [gradient, velocity] = [tensor([10], 0.5, &device), tensor([9], 0.3, &device)];
        let moments = [velocity.clone(), velocity.clone()];
        let found = adamw(&ADAMW, &parameter, gradient.clone(), moments);
        assert_eq!(
            found.unwrap_err().map(|tensor| tensor.dims()),
            [[10], [9], [9]]
        );
        let found = sgd(&SGD, &parameter, gradient.clone(), velocity.clone());
        assert_eq!(found.unwrap_err().map(|tensor| tensor.dims()), [[10], [9]]);
        // A parameter on an autodiff device.
        let tracked = tensor([9], 1.0, &device.autodiff());
        assert!(sgd(&SGD, &tracked, velocity.clone(), velocity).is_err());
    }
}

/// Where the values lie.
fn address(tensor: &Tensor<1>) -> *const f32 {
    let flex = tensor.clone().try_into_primitive::<burn_flex::Flex>();
    if let Ok(tensor) = flex {
        return tensor.as_slice::<f32>().expect("contiguous").as_ptr();
    }
    #[cfg(feature = "ndarray")]
    #[allow(deprecated)]
    {
        use burn_ndarray::{NdArray, NdArrayTensor};
        let tensor = tensor.clone().try_into_primitive::<NdArray>();
        match tensor.expect("on NdArray") {
            NdArrayTensor::F32(values) => values.view().as_ptr(),
            _ => panic!("other numbers"),
        }
    }
    #[cfg(not(feature = "ndarray"))]
    panic!("on another backend");
}

#[test]
fn memory_is_used_again() {
    for device in cpu_devices() {
        let parameter = tensor([5000], 1.0, &device);
        let [gradient, velocity] = [tensor([5000], 0.5, &device), tensor([5000], 0.3, &device)];
        let before = [address(&gradient), address(&velocity)];
        let after = sgd(&SGD, &parameter, gradient, velocity).expect("it is taken");
        assert_eq!(after.map(|tensor| address(&tensor)), before);
        let tensors = [0.5, 0.3, 0.2].map(|scale| tensor([5000], scale, &device));
        let before = tensors.each_ref().map(address);
        let [gradient, first, second] = tensors;
        let after = adamw(&ADAMW, &parameter, gradient, [first, second]).expect("it is taken");
        assert_eq!(after.map(|tensor| address(&tensor)), before);
    }
}
