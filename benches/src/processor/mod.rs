//! Which processor this is: vendor, family and model, as brand names hide them ("AMD EPYC" may be any of five
//! microarchitectures).

mod cpuinfo;
mod microarchitecture;

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Processor {
    /// Its maker, or `unknown`.
    pub vendor: String,
    /// How `family` and `model` are counted.
    pub architecture: Architecture,
    /// x86: the family; Arm: the version of the architecture.
    pub family: Option<u32>,
    /// x86: the model; Arm: the part.
    pub model: Option<u32>,
    /// The name that its maker gave the design, where this program knows it.
    pub microarchitecture: Option<String>,
    /// The brand name, where the system has one.
    pub brand: Option<String>,
    /// The widest vectors of 32-bit numbers that it multiplies and adds, or `unknown`.
    pub vectors: String,
}

/// How a vendor numbers its processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Family and model.
    X86,
    /// Version of the architecture and part.
    Arm,
    /// In a way that this program does not know.
    Other,
}

impl Processor {
    /// The processor that this process runs on; `brand` is what the system calls it.
    pub fn this(brand: Option<&str>) -> Self {
        let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self::of_cpuinfo(&text).unwrap_or_else(|| Self {
            vendor: UNKNOWN.into(),
            architecture: Architecture::Other,
            family: None,
            model: None,
            microarchitecture: None,
            brand: brand.map(str::to_owned),
            vectors: detected_vectors().into(),
        })
    }
}

const UNKNOWN: &str = "unknown";

/// The widest vectors, where no text of the system says it.
fn detected_vectors() -> &'static str {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    {
        if is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "AVX2";
        }
        if is_x86_feature_detected!("avx") {
            return "AVX";
        }
        "SSE2"
    }
    #[cfg(target_arch = "aarch64")]
    return "NEON";
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    UNKNOWN
}

/// Such as `AMD family 25 model 1 (Zen 3)`.
impl Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.architecture, self.family, self.model) {
            (Architecture::X86, Some(family), Some(model)) => {
                write!(f, "{} family {family} model {model}", self.vendor)?;
            }
            (Architecture::Arm, Some(version), Some(part)) => {
                write!(f, "{} architecture {version} part {part:#05x}", self.vendor)?;
            }
            _ => {
                let brand = self.brand.as_deref();
                return f.write_str(brand.unwrap_or("unknown processor"));
            }
        }
        match &self.microarchitecture {
            Some(name) => write!(f, " ({name})"),
            None => f.write_str(" (microarchitecture unknown)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_processor_has_a_name() {
        assert!(!Processor::this(None).to_string().is_empty());
    }

    #[test]
    fn without_numbers_the_brand_is_shown() {
        let mut processor = Processor {
            vendor: UNKNOWN.into(),
            architecture: Architecture::Other,
            family: None,
            model: None,
            microarchitecture: None,
            brand: Some("Apple M9".into()),
            vectors: "NEON".into(),
        };
        assert_eq!(processor.to_string(), "Apple M9");
        processor.brand = None;
        assert_eq!(processor.to_string(), "unknown processor");
    }
}
