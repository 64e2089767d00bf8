//! Every backend that the project knows.

use burn::tensor::Device;

use super::info::DeviceInfo;

/// One backend: its name, which is also that of the cargo feature that compiles it in, and what it
/// runs on.
pub(super) struct Backend {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// `None` where the feature is off.
    pub(super) driver: Option<Driver>,
}

/// How a backend is reached. Both say in words why they cannot.
pub(super) struct Driver {
    pub(super) list: fn() -> Result<Vec<DeviceInfo>, String>,
    /// The device of this number, or the default. The number is one of `list`.
    pub(super) open: fn(Option<usize>) -> Result<Device, String>,
}

/// The driver of a backend, `None` where its feature is off.
macro_rules! driver {
    ($feature:literal, $list:expr, $open:expr) => {{
        #[cfg(feature = $feature)]
        let driver = Some(Driver {
            list: $list,
            open: $open,
        });
        #[cfg(not(feature = $feature))]
        let driver = None;
        driver
    }};
}

/// The default first.
pub(super) fn backends() -> [Backend; 7] {
    [
        Backend {
            name: "flex",
            about: "CPU, Burn's own",
            driver: driver!("flex", processor, |_| Ok(Device::flex())),
        },
        Backend {
            name: "ndarray",
            about: "CPU, on ndarray",
            // Deprecated upstream in favour of Flex, still wanted for comparison.
            #[allow(deprecated)]
            driver: driver!("ndarray", processor, |_| Ok(Device::ndarray())),
        },
        Backend {
            name: "cpu",
            about: "CPU, CubeCL's kernels through LLVM",
            driver: driver!("cpu", processor, |_| Ok(Device::cpu())),
        },
        Backend {
            name: "wgpu",
            about: "GPU, through Vulkan, Metal, DirectX 12 or OpenGL",
            driver: driver!("wgpu", super::gpu::list_any, super::gpu::open_any),
        },
        Backend {
            name: "vulkan",
            about: "GPU, through Vulkan with SPIR-V",
            driver: driver!("vulkan", super::gpu::list_vulkan, super::gpu::open_vulkan),
        },
        Backend {
            name: "webgpu",
            about: "GPU, in a browser",
            driver: driver!("webgpu", browser, |_| open_in_browser()),
        },
        Backend {
            name: "cuda",
            about: "GPU of NVIDIA",
            driver: driver!("cuda", list_cuda, |index| Ok(Device::cuda(
                index.unwrap_or(0)
            ))),
        },
    ]
}

/// The devices of the backends that compute on the processor with memory of the process.
#[cfg(any(feature = "winograd", feature = "train"))]
pub(super) fn processors() -> Vec<Device> {
    vec![
        #[cfg(feature = "flex")]
        Device::flex(),
        #[cfg(feature = "ndarray")]
        #[allow(deprecated)]
        Device::ndarray(),
    ]
}

/// The processor, which is always there.
#[cfg(any(feature = "flex", feature = "ndarray", feature = "cpu"))]
fn processor() -> Result<Vec<DeviceInfo>, String> {
    let field = |path: &str, name: &str| -> Option<String> {
        let text = std::fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    // Linux says these in files; elsewhere they stay unknown.
    let kilobytes = field("/proc/meminfo", "MemTotal")
        .and_then(|value| value.strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(vec![DeviceInfo {
        name: field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
        kind: "CPU",
        memory: kilobytes.map(|kilobytes| kilobytes * 1024),
        largest_tensor: None,
    }])
}

#[cfg(feature = "webgpu")]
fn browser() -> Result<Vec<DeviceInfo>, String> {
    match cfg!(target_family = "wasm") {
        true => Ok(vec![DeviceInfo {
            name: "the browser's".into(),
            kind: "GPU",
            memory: None,
            largest_tensor: None,
        }]),
        false => Err(
            "WebGPU is a browser's, and this program runs outside of one; \
                      wgpu is the backend for its GPU"
                .into(),
        ),
    }
}

#[cfg(feature = "webgpu")]
fn open_in_browser() -> Result<Device, String> {
    browser()?;
    Ok(Device::webgpu(burn::tensor::DeviceKind::DefaultDevice))
}

#[cfg(feature = "cuda")]
fn list_cuda() -> Result<Vec<DeviceInfo>, String> {
    let devices = Device::enumerate(burn::tensor::DeviceType::Cuda);
    let found: Vec<_> = devices
        .into_iter()
        .map(|device| DeviceInfo {
            name: device
                .identity()
                .map_or_else(|| "NVIDIA GPU".into(), |identity| identity.name),
            kind: "GPU",
            memory: None,
            largest_tensor: None,
        })
        .collect();
    match found.is_empty() {
        true => Err("looked for NVIDIA's driver (libcuda) and a GPU that it knows".into()),
        false => Ok(found),
    }
}
