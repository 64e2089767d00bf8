//! Names of designs by the numbers that a processor gives of itself. What stands in no list has no name here: a
//! guess by the nearest number would be wrong as often as not.

/// Of an x86 processor. AMD's ranges are those of Linux' `arch/x86/kernel/cpu/amd.c`, Intel's models those of its
/// `arch/x86/include/asm/intel-family.h`.
pub(super) fn x86(vendor: &str, family: u32, model: u32) -> Option<&'static str> {
    match (vendor, family) {
        ("AMD", 0x17) => zen_1_and_2(model),
        ("AMD", 0x19) => zen_3_and_4(model),
        ("AMD", 0x1a) => zen_5_and_6(model),
        ("Hygon", 0x18) => Some("Dhyana"),
        ("Intel", 6) => intel(model),
        _ => None,
    }
}

fn zen_1_and_2(model: u32) -> Option<&'static str> {
    Some(match model {
        0x08 | 0x18 => "Zen+",
        0x00..=0x2f | 0x50..=0x5f => "Zen",
        0x30..=0x4f | 0x60..=0x7f | 0x90..=0x91 | 0xa0..=0xaf => "Zen 2",
        _ => return None,
    })
}

fn zen_3_and_4(model: u32) -> Option<&'static str> {
    Some(match model {
        0x00..=0x0f | 0x20..=0x5f => "Zen 3",
        0x10..=0x1f | 0x60..=0xaf => "Zen 4",
        _ => return None,
    })
}

fn zen_5_and_6(model: u32) -> Option<&'static str> {
    Some(match model {
        0x00..=0x2f | 0x40..=0x4f | 0x60..=0x7f => "Zen 5",
        0x50..=0x5f | 0x80..=0xaf | 0xc0..=0xcf => "Zen 6",
        _ => return None,
    })
}

fn intel(model: u32) -> Option<&'static str> {
    Some(match model {
        0x2a | 0x2d => "Sandy Bridge",
        0x3a | 0x3e => "Ivy Bridge",
        0x3c | 0x3f | 0x45 | 0x46 => "Haswell",
        0x3d | 0x47 | 0x4f | 0x56 => "Broadwell",
        0x4e | 0x5e => "Skylake",
        // The three differ only in their steppings.
        0x55 => "Skylake, Cascade Lake or Cooper Lake server",
        0x8e | 0x9e => "Kaby Lake or its successors",
        0xa5 | 0xa6 => "Comet Lake",
        0x66 => "Cannon Lake",
        0x7d | 0x7e => "Ice Lake",
        0x6a | 0x6c => "Ice Lake server",
        0xa7 => "Rocket Lake",
        0x8c | 0x8d => "Tiger Lake",
        0x97 | 0x9a => "Alder Lake",
        0xbe => "Gracemont",
        0xb7 | 0xba | 0xbf => "Raptor Lake",
        0xaa | 0xac => "Meteor Lake",
        0xb5 | 0xc5 | 0xc6 => "Arrow Lake",
        0xbd => "Lunar Lake",
        0xcc => "Panther Lake",
        0x8f => "Sapphire Rapids",
        0xcf => "Emerald Rapids",
        0xad | 0xae => "Granite Rapids",
        0xaf => "Sierra Forest",
        _ => return None,
    })
}

/// Of an Arm processor, as in `arch/arm64/include/asm/cputype.h`.
pub(super) fn arm(implementer: u32, part: u32) -> Option<&'static str> {
    Some(match (implementer, part) {
        (0x41, 0xd03) => "Cortex-A53",
        (0x41, 0xd05) => "Cortex-A55",
        (0x41, 0xd07) => "Cortex-A57",
        (0x41, 0xd08) => "Cortex-A72",
        (0x41, 0xd0b) => "Cortex-A76",
        (0x41, 0xd41) => "Cortex-A78",
        (0x41, 0xd0c) => "Neoverse N1",
        (0x41, 0xd40) => "Neoverse V1",
        (0x41, 0xd49) => "Neoverse N2",
        (0x41, 0xd4f) => "Neoverse V2",
        (0x41, 0xd84) => "Neoverse V3",
        (0x41, 0xd8e) => "Neoverse N3",
        (0xc0, 0xac3) => "Ampere-1",
        (0xc0, 0xac4) => "Ampere-1A",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_that_are_known() {
        for (vendor, family, model, name) in [
            ("AMD", 0x17, 0x31, "Zen 2"), // EPYC 7002
            ("AMD", 0x19, 0x01, "Zen 3"), // EPYC 7003
            ("AMD", 0x19, 0x11, "Zen 4"), // EPYC 9004
            ("AMD", 0x19, 0x21, "Zen 3"), // Ryzen 5000
            ("AMD", 0x19, 0x61, "Zen 4"), // Ryzen 7000
            ("AMD", 0x1a, 0x02, "Zen 5"), // EPYC 9005
            ("AMD", 0x1a, 0x44, "Zen 5"), // Ryzen 9000
            ("Intel", 6, 0x8f, "Sapphire Rapids"),
            ("Intel", 6, 0x6a, "Ice Lake server"),
        ] {
            assert_eq!(
                x86(vendor, family, model),
                Some(name),
                "{vendor} {family} {model}"
            );
        }
    }

    #[test]
    fn numbers_in_no_list_have_no_name() {
        assert_eq!(x86("AMD", 0x19, 0xf0), None);
        assert_eq!(x86("AMD", 0x1b, 0), None);
        assert_eq!(x86("Intel", 6, 0xfe), None);
        assert_eq!(x86("Intel", 19, 0x01), None);
        assert_eq!(arm(0x61, 0x22), None);
    }
}
