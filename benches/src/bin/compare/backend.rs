//! Where a side computes.

use std::error::Error;

use burn::tensor::Device;

/// A backend, and the device that its name says.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) name: String,
    pub(crate) device: Device,
    /// None where it computes in this process's memory with its processor.
    pub(crate) gpu: Option<Gpu>,
}

/// A device that is not the processor, as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Gpu {
    /// What it calls itself.
    pub(crate) name: String,
    /// Simulated on the processor, and thousands of times slower.
    pub(crate) is_software: bool,
    /// Bytes of the largest tensor that it can compute with, where there is a limit.
    pub(crate) largest_tensor: Option<u64>,
}

impl Backend {
    pub(crate) fn new(name: &str) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            device: vgg::device(name)?,
            gpu: gpu(name)?,
            name: name.into(),
        })
    }
}

/// The backend that a test takes for one of a GPU, as most machines that test have none.
const PRETENDED: &str = "COMPARE_AS_GPU";

pub(crate) fn gpu(backend: &str) -> Result<Option<Gpu>, Box<dyn Error>> {
    if std::env::var(PRETENDED).is_ok_and(|name| name == backend) {
        return Ok(Some(Gpu {
            name: format!("{backend}, taken for a GPU"),
            is_software: true,
            largest_tensor: None,
        }));
    }
    if vgg::device::is_on_cpu(backend)? {
        return Ok(None);
    }
    let index = backend.split_once(':').map_or("0", |(_, index)| index);
    let devices = vgg::device::devices(backend)?;
    let Some(info) = devices.get(index.parse::<usize>()?) else {
        return Err(format!("{backend}: there are {} devices", devices.len()).into());
    };
    Ok(Some(Gpu {
        name: info.name.clone(),
        is_software: info.kind == "software GPU",
        largest_tensor: info.largest_tensor,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_no_gpu() {
        assert!(Backend::new("flex").is_ok_and(|backend| backend.gpu.is_none()));
        let error = Backend::new("flux").expect_err("no backend").to_string();
        assert!(error.contains("flux"), "{error}");
    }
}
