//! The GPU of a browser, which can only be asked for asynchronously.

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuBackend;

use super::DeviceError;

/// The GPU that the browser offers through WebGPU. To be called once, before any other use of
/// the backend; later calls are errors.
///
/// # Errors
/// A browser without WebGPU, or one that finds no adapter.
pub async fn browser_gpu() -> Result<Device, DeviceError> {
    let options = Device::wgpu_options().graphics_api(WgpuBackend::WebGpu);
    let opened = options.init_async().await;
    opened.map_err(|error| DeviceError::Unavailable {
        name: "webgpu".to_owned(),
        reason: error.to_string(),
    })
}
