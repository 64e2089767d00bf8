//! Half precision: conversion to it, for weights that are stored in two bytes.

/// The nearest half-precision number, ties to even; too large ones become infinity.
pub(crate) fn f32_to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    let half = if magnitude > 0x7f80_0000 {
        // NaN, kept quiet.
        0x7e00
    } else if magnitude >= 0x4780_0000 {
        // 65,536 and above. What rounds up to it is found below.
        0x7c00
    } else if magnitude >= 0x3880_0000 {
        // Normal: the exponent's bias changes from 127 to 15, and 13 bits are rounded away.
        let rebiased = magnitude - ((127 - 15) << 23);
        ((rebiased + 0xfff + ((rebiased >> 13) & 1)) >> 13) as u16
    } else {
        // Subnormal: a multiple of 2^-24. Adding 0.5, whose last bit is 2^-24, rounds to one.
        let rounded = f32::from_bits(magnitude) + 0.5;
        (rounded.to_bits() - 0.5f32.to_bits()) as u16
    };
    half | sign
}

#[cfg(test)]
mod tests {
    use super::f32_to_f16;
    use crate::simd::f16_to_f32;

    #[test]
    fn every_half_survives() {
        for half in 0..=u16::MAX {
            let wide = f16_to_f32(half);
            if wide.is_nan() {
                assert!(f16_to_f32(f32_to_f16(wide)).is_nan());
            } else {
                assert_eq!(f32_to_f16(wide), half);
            }
        }
    }

    #[test]
    fn rounds_to_the_nearest_and_ties_to_even() {
        for half in 0..0x7bffu16 {
            let (a, b) = (f16_to_f32(half), f16_to_f32(half + 1));
            let middle = (a + b) / 2.0;
            assert_eq!(f32_to_f16(middle), half + (half & 1));
            assert_eq!(f32_to_f16(middle.next_up()), half + 1);
            assert_eq!(f32_to_f16(middle.next_down()), half);
        }
        assert_eq!(f32_to_f16(65519.0), 0x7bff);
        assert_eq!(f32_to_f16(-65520.0), 0xfc00);
    }
}
