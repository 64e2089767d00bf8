//! What a run was made on and with.

use std::fmt::{self, Display};

use benches::Processor;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: Processor,
    pub(crate) threads: usize,
    pub(crate) system: String,
    /// Backends and other features that are compiled in.
    pub(crate) features: Vec<String>,
    pub(crate) version: String,
    pub(crate) burn: String,
}

impl Machine {
    pub(crate) fn new(threads: usize) -> Self {
        let found = vgg::device::devices("flex").ok();
        let brand = found.and_then(|found| found.into_iter().next());
        let tuning = [
            ("fusion", cfg!(feature = "fusion")),
            ("autotune", cfg!(feature = "autotune")),
        ];
        let tuning = tuning.iter().filter(|(_, on)| *on).map(|(name, _)| *name);
        Self {
            processor: Processor::this(brand.as_ref().map(|device| device.name.as_str())),
            threads,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            features: vgg::device::compiled_backends()
                .into_iter()
                .chain(tuning)
                .map(String::from)
                .collect(),
            version: env!("CARGO_PKG_VERSION").into(),
            burn: "0.22.1".into(),
        }
    }
}

/// Such as `AMD family 25 model 1 (Zen 3), 2 threads, AVX2`.
impl Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (processor, threads) = (&self.processor, self.threads);
        let plural = if threads == 1 { "" } else { "s" };
        write!(
            f,
            "{processor}, {threads} thread{plural}, {}",
            processor.vectors
        )
    }
}
