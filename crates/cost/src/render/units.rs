//! Numbers as text: separators, SI and binary prefixes, percent, ratios.

/// An exact integer with separators: `15,470,264,320`.
pub fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A difference with its sign: `+1,000`, `-1,000`, `0`.
pub fn signed(difference: i128) -> String {
    let size = grouped(difference.unsigned_abs());
    match difference {
        0 => size,
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

/// A rounded number with an SI prefix: `15.47 G`. Below 1000 it is exact.
pub fn short(number: u128) -> String {
    if number < 1000 {
        return number.to_string();
    }
    let (value, prefix) = scaled(
        number,
        1000.0,
        &["", "k", "M", "G", "T", "P", "E", "Z", "Y", "R", "Q"],
    );
    if value < 100.0 {
        format!("{value:.2} {prefix}")
    } else {
        format!("{value:.1} {prefix}")
    }
}

/// Bytes in binary units: `527.8 MiB`. Below 1024 they are exact.
pub fn bytes(number: u128) -> String {
    if number < 1024 {
        return format!("{number} B");
    }
    let (value, prefix) = scaled(
        number,
        1024.0,
        &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"],
    );
    format!("{value:.1} {prefix}B")
}

/// Bytes in binary units, and exactly where that differs: `527.8 MiB (553,430,176 bytes)`.
pub fn bytes_exact(number: u128) -> String {
    if number < 1024 {
        return bytes(number);
    }
    format!("{} ({} bytes)", bytes(number), grouped(number))
}

/// Percent with one decimal and no sign: `12.3`.
pub fn percent(percent: f64) -> String {
    format!("{percent:.1}")
}

/// Seconds with three digits and a unit: `1.23 ms`, `45.6 µs`; without one from 1000 on.
pub fn seconds(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "0 s".to_owned();
    }
    if seconds >= 999.5 {
        return match seconds < 1e6 {
            true => format!("{seconds:.0} s"),
            false => format!("{seconds:.2e} s"),
        };
    }
    let mut value = seconds;
    let mut unit = "s";
    for next in ["ms", "µs", "ns", "ps"] {
        if value >= 0.9995 {
            break;
        }
        value *= 1000.0;
        unit = next;
    }
    match value {
        99.95.. => format!("{value:.0} {unit}"),
        9.995.. => format!("{value:.1} {unit}"),
        _ => format!("{value:.2} {unit}"),
    }
}

/// A ratio: `0.500x`; `-` where there is none.
pub fn ratio(ratio: Option<f64>) -> String {
    match ratio {
        Some(ratio) if ratio >= 10_000.0 => format!("{ratio:.1e}x"),
        Some(ratio) if ratio >= 100.0 => format!("{ratio:.1}x"),
        Some(ratio) => format!("{ratio:.3}x"),
        None => "-".to_owned(),
    }
}

/// The number and the prefix that go together. The next prefix is taken as soon as one decimal
/// would round up to it, so that `1000.0 k` never appears.
fn scaled(number: u128, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
    let mut value = number as f64;
    let mut prefix = "";
    for (index, next) in prefixes.iter().enumerate() {
        if index > 0 {
            value /= base;
        }
        prefix = next;
        if (value * 10.0).round() < base * 10.0 {
            break;
        }
    }
    (value, prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (15_470_264_320, "15,470,264,320"),
            (
                u128::MAX,
                "340,282,366,920,938,463,463,374,607,431,768,211,455",
            ),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(signed(-1000), "-1,000");
        assert_eq!(signed(1), "+1");
        assert_eq!(signed(0), "0");
        assert_eq!(
            signed(i128::MIN),
            "-170,141,183,460,469,231,731,687,303,715,884,105,728"
        );
    }

    #[test]
    fn si_prefixes() {
        let cases = [
            (999, "999"),
            (1000, "1.00 k"),
            (138_357_544, "138.4 M"),
            (15_470_264_320, "15.47 G"),
            (999_949, "999.9 k"),
            (999_950, "1.00 M"),
            (61_881_057_280_000_000_000, "61.88 E"),
            (u128::MAX, "340282366.9 Q"),
        ];
        for (number, text) in cases {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn binary_prefixes() {
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(bytes(553_430_176), "527.8 MiB");
        assert_eq!(bytes(1 << 64), "16.0 EiB");
        assert_eq!(bytes_exact(2048), "2.0 KiB (2,048 bytes)");
        assert_eq!(bytes_exact(12), "12 B");
    }

    #[test]
    fn times() {
        let cases = [
            (0.0, "0 s"),
            (1.0, "1.00 s"),
            (0.99951, "1.00 s"),
            (0.0123, "12.3 ms"),
            (1.234e-3, "1.23 ms"),
            (456.7e-6, "457 µs"),
            (9.996e-9, "10.0 ns"),
            (5e-16, "0.00 ps"),
            (999.4, "999 s"),
            (86_400.0, "86400 s"),
            (1.5e9, "1.50e9 s"),
        ];
        for (number, text) in cases {
            assert_eq!(seconds(number), text);
        }
    }

    #[test]
    fn shares_and_ratios() {
        assert_eq!(percent(12.345), "12.3");
        assert_eq!(percent(100.0), "100.0");
        assert_eq!(ratio(Some(0.5)), "0.500x");
        assert_eq!(ratio(Some(123.45)), "123.5x");
        assert_eq!(ratio(None), "-");
    }
}
