//! Backends by name. The only place of the project that names one.

use burn::tensor::Device;
use thiserror::Error;

/// One backend: its name, the cargo feature that compiles it in, and what it is.
struct Backend {
    name: &'static str,
    about: &'static str,
    /// `None` where the feature is off.
    open: Option<fn() -> Device>,
}

/// Every backend that the project knows, the default first.
fn backends() -> [Backend; 3] {
    [
        Backend {
            name: "flex",
            about: "CPU, Burn's own",
            #[cfg(feature = "flex")]
            open: Some(Device::flex),
            #[cfg(not(feature = "flex"))]
            open: None,
        },
        Backend {
            name: "ndarray",
            about: "CPU, on ndarray",
            #[cfg(feature = "ndarray")]
            open: Some(|| {
                // Deprecated upstream in favour of Flex, still wanted for comparison.
                #[allow(deprecated)]
                Device::ndarray()
            }),
            #[cfg(not(feature = "ndarray"))]
            open: None,
        },
        Backend {
            name: "wgpu",
            about: "GPU, through Vulkan, Metal, DirectX 12 or OpenGL",
            #[cfg(feature = "wgpu")]
            open: Some(|| Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
            #[cfg(not(feature = "wgpu"))]
            open: None,
        },
    ]
}

/// A backend that cannot be had.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceError {
    /// No backend has this name.
    #[error("there is no backend named \"{name}\"; compiled in: {compiled}{others}")]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that would work.
        compiled: String,
        /// The other backends and the features that add them.
        others: String,
    },
    /// The backend exists, but is not part of this build.
    #[error(
        "the backend \"{name}\" is not compiled in: build with --features {name}; \
         compiled in: {compiled}{others}"
    )]
    NotCompiled {
        /// The name that was asked for.
        name: String,
        /// The names that would work.
        compiled: String,
        /// The other backends and the features that add them.
        others: String,
    },
    /// The backend found nothing to run on.
    #[error("the backend \"{name}\" found no device to run on ({reason})")]
    Unavailable {
        /// The backend.
        name: String,
        /// What it said.
        reason: String,
    },
}

/// Names of the backends that this build holds, the default first.
pub fn compiled_backends() -> Vec<&'static str> {
    backends()
        .iter()
        .filter(|backend| backend.open.is_some())
        .map(|backend| backend.name)
        .collect()
}

/// One line for each backend: its name, what it is, and the feature to add where it is missing.
pub fn describe_backends() -> String {
    let line = |backend: &Backend| {
        let missing = match backend.open {
            Some(_) => String::new(),
            None => format!(" (not compiled in: --features {})", backend.name),
        };
        format!("{:8} {}{missing}\n", backend.name, backend.about)
    };
    backends().iter().map(line).collect()
}

/// The default device of the backend called `name`.
///
/// # Errors
/// An unknown name or one that is not compiled in: the error lists what is, and which feature
/// adds the rest. A backend that finds no device to run on.
pub fn device(name: &str) -> Result<Device, DeviceError> {
    let compiled = compiled_backends().join(", ");
    let missing: Vec<_> = backends()
        .iter()
        .filter(|backend| backend.open.is_none() && backend.name != name)
        .map(|backend| format!("; {0} with --features {0}", backend.name))
        .collect();
    let (name, others) = (name.to_owned(), missing.concat());
    let Some(backend) = backends().into_iter().find(|backend| backend.name == name) else {
        return Err(DeviceError::Unknown {
            name,
            compiled,
            others,
        });
    };
    match backend.open {
        Some(open) => probe(backend.name, open),
        None => Err(DeviceError::NotCompiled {
            name,
            compiled,
            others,
        }),
    }
}

/// Opens a device and waits for it once: a GPU backend panics on its first use where there is
/// no GPU, and that has to be an error here instead of a crash in the middle of a run.
fn probe(name: &'static str, open: fn() -> Device) -> Result<Device, DeviceError> {
    let opened = std::panic::catch_unwind(|| {
        let device = open();
        device.sync().map(|()| device)
    });
    let reason = match opened {
        Ok(Ok(device)) => return Ok(device),
        Ok(Err(error)) => error.to_string(),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "it gave no reason".to_owned()),
    };
    Err(DeviceError::Unavailable {
        name: name.to_owned(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_backend_lists_the_compiled_ones() {
        let message = device("tpu").expect_err("unknown").to_string();
        assert!(
            message.starts_with("there is no backend named \"tpu\"; compiled in: "),
            "{message}"
        );
        #[cfg(feature = "flex")]
        assert!(message.contains("compiled in: flex"), "{message}");
        #[cfg(not(feature = "ndarray"))]
        assert!(
            message.contains("ndarray with --features ndarray"),
            "{message}"
        );
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn a_missing_backend_names_its_feature() {
        let message = device("wgpu").expect_err("not compiled").to_string();
        assert!(message.contains("build with --features wgpu"), "{message}");
    }

    #[cfg(feature = "flex")]
    #[test]
    fn flex_opens() {
        device("flex").expect("always there");
    }
}
