//! Operations on Burn's tensors against Burn's own, on each backend.
//!
//! NdArray and WebGPU are among them with `cargo test -p winograd --features ndarray,wgpu --test burn`.

#![cfg(feature = "burn")]

mod chain;
mod conv2d;
mod linear;
mod prepared;
mod resnet;
mod update;

use burn::tensor::{Device, Tensor, Tolerance};

/// One of each backend.
fn devices() -> Vec<Device> {
    #[allow(unused_mut)]
    let mut devices = cpu_devices();
    #[cfg(feature = "wgpu")]
    devices.push(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice));
    devices
}

/// One of each CPU backend.
fn cpu_devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Device::ndarray(),
    ]
}

/// Values without a pattern that a symmetry could hide.
fn tensor<const D: usize>(shape: [usize; D], scale: f32, device: &Device) -> Tensor<D> {
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count)
        .map(|i| (((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0) * scale)
        .collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape)
}

/// Equal up to the rounding of a few layers, relative to the largest value.
fn close<const D: usize>(found: Tensor<D>, expected: Tensor<D>) {
    let scale: f32 = expected.clone().abs().max().into_scalar();
    let tolerance = Tolerance::absolute(5e-5 * scale.max(1.0));
    found
        .into_data()
        .assert_approx_eq::<f32>(&expected.into_data(), tolerance);
}
