//! Linux' `/proc/cpuinfo`.

use std::str::FromStr;

use super::microarchitecture::{arm, x86};
use super::{Architecture, Processor, UNKNOWN};

impl Processor {
    /// The first processor of a `/proc/cpuinfo`; none if it holds no numbers that this program knows.
    pub fn of_cpuinfo(text: &str) -> Option<Self> {
        x86_processor(text).or_else(|| arm_processor(text))
    }
}

/// The value of the first line `key : value`.
fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim())
    })
}

/// A number, with `0x` in base 16.
fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => u32::from_str(text).ok(),
    }
}

fn x86_processor(text: &str) -> Option<Processor> {
    let vendor = match field(text, "vendor_id")? {
        "AuthenticAMD" => "AMD",
        "GenuineIntel" => "Intel",
        "HygonGenuine" => "Hygon",
        other => other,
    };
    let family = number(field(text, "cpu family")?)?;
    let model = number(field(text, "model")?)?;
    let flags = field(text, "flags").unwrap_or_default();
    let has = |flag: &str| flags.split_whitespace().any(|found| found == flag);
    let vectors = match () {
        () if has("avx512f") => "AVX-512",
        () if has("avx2") && has("fma") => "AVX2",
        () if has("avx") => "AVX",
        () if has("sse2") => "SSE2",
        () => UNKNOWN,
    };
    Some(Processor {
        vendor: vendor.into(),
        architecture: Architecture::X86,
        family: Some(family),
        model: Some(model),
        microarchitecture: x86(vendor, family, model).map(str::to_owned),
        brand: field(text, "model name").map(str::to_owned),
        vectors: vectors.into(),
    })
}

fn arm_processor(text: &str) -> Option<Processor> {
    let implementer = number(field(text, "CPU implementer")?)?;
    let version = number(field(text, "CPU architecture")?)?;
    let part = number(field(text, "CPU part")?)?;
    let features = field(text, "Features").unwrap_or_default();
    let has_neon = features
        .split_whitespace()
        .any(|found| found == "asimd" || found == "neon");
    let vendor = match implementer {
        0x41 => "Arm".into(),
        0x51 => "Qualcomm".into(),
        0x61 => "Apple".into(),
        0xc0 => "Ampere".into(),
        other => format!("implementer {other:#04x}"),
    };
    Some(Processor {
        vendor,
        architecture: Architecture::Arm,
        family: Some(version),
        model: Some(part),
        microarchitecture: arm(implementer, part).map(str::to_owned),
        brand: field(text, "model name").map(str::to_owned),
        vectors: if has_neon { "NEON" } else { UNKNOWN }.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPYC: &str = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n\
        model name\t: AMD EPYC\nstepping\t: 1\nflags\t\t: fpu sse sse2 fma avx avx2 sha_ni\n\n\
        processor\t: 1\nvendor_id\t: AuthenticAMD\ncpu family\t: 99\n";

    fn parsed(text: &str) -> Processor {
        Processor::of_cpuinfo(text).expect("a processor")
    }

    #[test]
    fn a_brand_is_told_apart_by_its_numbers() {
        let found = parsed(EPYC);
        assert_eq!(found.to_string(), "AMD family 25 model 1 (Zen 3)");
        assert_eq!(found.vectors, "AVX2");
        assert_eq!(found.brand.as_deref(), Some("AMD EPYC"));
        let newer = EPYC.replace("model\t\t: 1\n", "model\t\t: 17\n");
        assert_eq!(parsed(&newer).to_string(), "AMD family 25 model 17 (Zen 4)");
    }

    #[test]
    fn what_is_not_known_is_said() {
        let text = EPYC.replacen("cpu family\t: 25", "cpu family\t: 77", 1);
        let shown = parsed(&text).to_string();
        assert_eq!(shown, "AMD family 77 model 1 (microarchitecture unknown)");
        let text = EPYC.replace("AuthenticAMD", "NewVendor");
        assert!(
            parsed(&text)
                .to_string()
                .starts_with("NewVendor family 25 model 1 (micro")
        );
    }

    #[test]
    fn avx2_without_multiplying_and_adding_at_once_is_avx() {
        assert_eq!(parsed(&EPYC.replace(" fma", "")).vectors, "AVX");
        assert_eq!(
            parsed(&EPYC.replace("sha_ni", "avx512f")).vectors,
            "AVX-512"
        );
        assert_eq!(parsed(&EPYC.replace("flags", "other")).vectors, UNKNOWN);
    }

    #[test]
    fn arm_has_parts() {
        let text = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm\n\
            CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\n";
        let found = parsed(text);
        assert_eq!(
            found.to_string(),
            "Arm architecture 8 part 0xd0c (Neoverse N1)"
        );
        assert_eq!(found.vectors, "NEON");
    }

    #[test]
    fn other_texts_are_no_processor() {
        for text in [
            "",
            "processor\t: 0\nhart\t: 0\nisa\t: rv64imafdc\n",
            "vendor_id: AuthenticAMD\n",
        ] {
            assert_eq!(Processor::of_cpuinfo(text), None, "{text}");
        }
    }
}
