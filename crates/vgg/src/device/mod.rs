//! Backends by name. The only place of the library that opens one.

#[cfg(all(feature = "webgpu", target_family = "wasm"))]
mod browser;
mod error;
mod failure;
#[cfg(feature = "wgpu")]
mod gpu;
mod info;
mod table;

use burn::tensor::Device;

#[cfg(all(feature = "webgpu", target_family = "wasm"))]
pub use browser::browser_gpu;
pub use error::DeviceError;
pub use failure::failure;
pub use info::DeviceInfo;
use table::{Backend, backends};

/// Names of the backends that this build holds, the default first.
pub fn compiled_backends() -> Vec<&'static str> {
    backends()
        .iter()
        .filter(|backend| backend.driver.is_some())
        .map(|backend| backend.name)
        .collect()
}

/// One line for each backend: its name, what it is, and the feature to add where it is missing.
pub fn describe_backends() -> String {
    let line = |backend: &Backend| {
        let missing = match backend.driver {
            Some(_) => String::new(),
            None => format!(" (not compiled in: --features {})", backend.name),
        };
        format!("{:8} {}{missing}\n", backend.name, backend.about)
    };
    backends().iter().map(line).collect()
}

/// One line for each device of each backend that is compiled in: what [`device()`] takes, its name,
/// its kind, and its memory where that is known. A backend without a device says why.
pub fn describe_devices() -> String {
    let mut text = String::new();
    for backend in backends() {
        let Some(driver) = backend.driver else {
            continue;
        };
        match (driver.list)() {
            Ok(devices) => {
                for (index, device) in devices.iter().enumerate() {
                    text += &format!("{:10} {device}\n", format!("{}:{index}", backend.name));
                }
            }
            Err(reason) => text += &format!("{:10} none: {reason}\n", backend.name),
        }
    }
    text
}

/// The devices of the backend called `name`, in the order of the numbers that [`device()`] takes.
///
/// # Errors
/// As [`device()`].
pub fn devices(name: &str) -> Result<Vec<DeviceInfo>, DeviceError> {
    let (backend, _) = find(name)?;
    let Some(driver) = backend.driver else {
        return Err(missing(backend.name));
    };
    (driver.list)().map_err(|reason| unavailable(backend.name, reason))
}

/// The device that `name` says: `wgpu` is the default device of the backend `wgpu`, `wgpu:1` its
/// device number 1, counted from 0. Opened once: later calls give the same device.
///
/// # Errors
/// An unknown name or one that is not compiled in: the error lists what is, and which feature
/// adds the rest. A backend that finds no device to run on, or not the one of this number.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    let (backend, index) = find(name)?;
    let Some(driver) = backend.driver else {
        return Err(missing(backend.name));
    };
    let found = (driver.list)().map_err(|reason| unavailable(backend.name, reason))?;
    if let Some(index) = index.filter(|&index| index >= found.len()) {
        let found = found.iter().enumerate();
        let found = found.map(|(index, device)| format!("{index} ({device})"));
        return Err(DeviceError::NoSuchDevice {
            backend: backend.name.to_owned(),
            index,
            found: found.collect::<Vec<_>>().join(", "),
        });
    }
    (driver.open)(index).map_err(|reason| unavailable(backend.name, reason))
}

/// Whether the backend called `name` computes on the processor alone.
///
/// # Errors
/// As [`devices`].
pub fn is_on_cpu(name: &str) -> Result<bool, DeviceError> {
    Ok(devices(name)?.iter().all(|device| device.kind == "CPU"))
}

/// Whether what lies on `device` lies in the processor's own memory, and is computed there.
#[cfg(feature = "winograd")]
pub(crate) fn is_processor(device: &Device) -> bool {
    table::processors().contains(device)
}

/// The processor, for a little work on numbers of `device`: nothing where they lie with it already, or where no backend
/// that is compiled in computes there.
#[cfg(feature = "train")]
pub(crate) fn processor_beside(device: &Device) -> Option<Device> {
    let mut processors = table::processors();
    match processors.contains(device) {
        true => None,
        false => processors.drain(..).next(),
    }
}

/// Whether the device that `name` says can compute with a tensor of so many bytes. Burn panics
/// later where it cannot: some drivers reach 128 MiB at a time, and the largest layer of vgg16 has 411 MB.
///
/// # Errors
/// As [`device()`]; [`DeviceError::TooLarge`] where it cannot.
pub fn check_tensor(name: &str, bytes: u64) -> Result<(), DeviceError> {
    let (backend, index) = find(name)?;
    let found = devices(backend.name)?;
    fits(backend.name, found.get(index.unwrap_or(0)), bytes)
}

/// Whether a tensor of so many bytes is within a device's limit, as far as that is known.
fn fits(backend: &str, device: Option<&DeviceInfo>, bytes: u64) -> Result<(), DeviceError> {
    match device {
        Some(device) if device.largest_tensor.is_some_and(|most| bytes > most) => {
            Err(DeviceError::TooLarge {
                backend: backend.to_owned(),
                device: device.to_string(),
                bytes,
            })
        }
        _ => Ok(()),
    }
}

/// Whether `device` can compute with a tensor of so many bytes, as far as that is known: of a GPU that [`device()`]
/// opened.
#[cfg(feature = "wgpu")]
pub(crate) fn check_size(device: &Device, bytes: u64) -> Result<(), DeviceError> {
    fits("wgpu", gpu::info(device).as_ref(), bytes)
}

#[cfg(not(feature = "wgpu"))]
pub(crate) fn check_size(_: &Device, _: u64) -> Result<(), DeviceError> {
    Ok(())
}

/// The backend of `NAME` or `NAME:INDEX`, and the index.
fn find(name: &str) -> Result<(Backend, Option<usize>), DeviceError> {
    let (backend, index) = match name.split_once(':') {
        None => (name, None),
        Some((backend, index)) => {
            let index = index.parse().map_err(|_| DeviceError::BadNumber {
                name: name.to_owned(),
                found: index.to_owned(),
            })?;
            (backend, Some(index))
        }
    };
    let found = backends().into_iter().find(|known| known.name == backend);
    let found = found.ok_or_else(|| DeviceError::Unknown {
        name: backend.to_owned(),
        compiled: compiled_backends().join(", "),
        others: others(backend),
    })?;
    Ok((found, index))
}

fn missing(name: &str) -> DeviceError {
    DeviceError::NotCompiled {
        name: name.to_owned(),
        compiled: compiled_backends().join(", "),
        others: others(name),
    }
}

fn unavailable(name: &str, reason: String) -> DeviceError {
    DeviceError::Unavailable {
        name: name.to_owned(),
        reason,
    }
}

/// The backends that are not compiled in, without `name`, and the features that add them.
fn others(name: &str) -> String {
    backends()
        .iter()
        .filter(|backend| backend.driver.is_none() && backend.name != name)
        .map(|backend| format!("; {0} with --features {0}", backend.name))
        .collect()
}

#[cfg(test)]
mod tests;
