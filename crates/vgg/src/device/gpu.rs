//! GPUs that wgpu reaches. Adapters are looked for before Burn is asked to open one: what is not
//! there is an error that says where it was looked for.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use burn::tensor::wgpu::{WgpuBackend, wgpu};
use burn::tensor::{Device, DeviceKind};

use super::info::DeviceInfo;

/// The graphics APIs of native programs, in the order in which Burn tries them.
const APIS: [wgpu::Backend; 4] = [
    wgpu::Backend::Metal,
    wgpu::Backend::Vulkan,
    wgpu::Backend::Dx12,
    wgpu::Backend::Gl,
];

pub(super) fn list_any() -> Result<Vec<DeviceInfo>, String> {
    Ok(describe(&adapters(&APIS)?))
}

pub(super) fn open_any(index: Option<usize>) -> Result<Device, String> {
    open(WgpuBackend::Auto, index, &APIS)
}

#[cfg(feature = "vulkan")]
pub(super) fn list_vulkan() -> Result<Vec<DeviceInfo>, String> {
    Ok(describe(&adapters(&[wgpu::Backend::Vulkan])?))
}

#[cfg(feature = "vulkan")]
pub(super) fn open_vulkan(index: Option<usize>) -> Result<Device, String> {
    open(WgpuBackend::Vulkan, index, &[wgpu::Backend::Vulkan])
}

/// What is known of an adapter.
struct Adapter {
    info: wgpu::AdapterInfo,
    /// Bytes of a buffer that a kernel can reach.
    largest_binding: u64,
}

/// The adapters of the API that Burn would take: the first one with a GPU, or else the first one
/// with anything.
fn adapters(apis: &[wgpu::Backend]) -> Result<Vec<Adapter>, String> {
    let mut looked_for = Vec::new();
    let mut software = None;
    for &api in apis {
        let api_bit = wgpu::Backends::from(api);
        if !wgpu::Instance::enabled_backend_features().contains(api_bit) {
            continue;
        }
        looked_for.push(format!("{api:?}"));
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: api_bit,
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        // Ready at once outside of browsers; a browser has none of these APIs.
        let asked = pin!(instance.enumerate_adapters(api_bit));
        let Poll::Ready(adapters) = asked.poll(&mut Context::from_waker(Waker::noop())) else {
            continue;
        };
        let known = |adapter: &wgpu::Adapter| Adapter {
            info: adapter.get_info(),
            largest_binding: adapter.limits().max_storage_buffer_binding_size,
        };
        let found: Vec<_> = adapters.iter().map(known).collect();
        let software_only = |found: &Adapter| found.info.device_type == wgpu::DeviceType::Cpu;
        if !found.iter().all(software_only) {
            return Ok(found);
        }
        if !found.is_empty() && software.is_none() {
            software = Some(found);
        }
    }
    software.ok_or_else(|| {
        let variables = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];
        let set = variables.iter().filter_map(|name| {
            let value = std::env::var(name).ok()?;
            Some(format!("; {name} names {value} as the driver"))
        });
        format!(
            "looked for adapters of {}, and found none: no GPU, or no driver for it{}",
            looked_for.join(", "),
            set.collect::<String>(),
        )
    })
}

fn describe(adapters: &[Adapter]) -> Vec<DeviceInfo> {
    let device = |Adapter {
                      info,
                      largest_binding,
                  }: &Adapter| DeviceInfo {
        name: format!("{} ({:?})", info.name, info.backend),
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => "discrete GPU",
            wgpu::DeviceType::IntegratedGpu => "integrated GPU",
            wgpu::DeviceType::VirtualGpu => "virtual GPU",
            wgpu::DeviceType::Cpu => "software GPU",
            wgpu::DeviceType::Other => "GPU",
        },
        // wgpu does not say.
        memory: None,
        largest_tensor: Some(*largest_binding),
    };
    adapters.iter().map(device).collect()
}

/// What Burn calls adapter `index`: its kind, and its place among those of that kind.
fn kind(adapters: &[Adapter], index: usize) -> DeviceKind {
    let Some(adapter) = adapters.get(index) else {
        return DeviceKind::DefaultDevice;
    };
    let device_type = adapter.info.device_type;
    let alike = |other: &&Adapter| other.info.device_type == device_type;
    let place = adapters[..index].iter().filter(alike).count();
    match device_type {
        wgpu::DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu(place),
        wgpu::DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu(place),
        wgpu::DeviceType::VirtualGpu => DeviceKind::VirtualGpu(place),
        wgpu::DeviceType::Cpu => DeviceKind::Cpu,
        wgpu::DeviceType::Other => DeviceKind::DefaultDevice,
    }
}

/// A device that is open. Burn opens each only once.
struct Open {
    api: WgpuBackend,
    kind: DeviceKind,
    device: Device,
    info: DeviceInfo,
}

static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// What is known of a device that was opened here.
pub(super) fn info(device: &Device) -> Option<DeviceInfo> {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = open.iter().find(|open| open.device == *device);
    known.map(|open| open.info.clone())
}

fn open(api: WgpuBackend, index: Option<usize>, apis: &[wgpu::Backend]) -> Result<Device, String> {
    let adapters = adapters(apis)?;
    let kind = match index {
        Some(index) => kind(&adapters, index),
        None => DeviceKind::DefaultDevice,
    };
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = open
        .iter()
        .find(|open| open.api == api && open.kind == kind);
    if let Some(open) = known {
        return Ok(open.device.clone());
    }
    let device = Device::wgpu_options()
        .graphics_api(api)
        .device_kind(kind.clone())
        .init()
        .map_err(|error| error.to_string())?;
    if let Some(info) = describe(&adapters).into_iter().nth(index.unwrap_or(0)) {
        open.push(Open {
            api,
            kind,
            device: device.clone(),
            info,
        });
    }
    Ok(device)
}
