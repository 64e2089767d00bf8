//! Numbers as text: separators, SI and binary prefixes, percent, ratios.

/// An exact integer with separators: `15,470,264,320`.
pub fn grouped(number: u64) -> String {
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
pub fn signed(difference: i64) -> String {
    let size = grouped(difference.unsigned_abs());
    match difference {
        0 => size,
        1.. => format!("+{size}"),
        _ => format!("-{size}"),
    }
}

/// A rounded number with an SI prefix: `15.47 G`. Below 1000 it is exact.
pub fn short(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    let (value, prefix) = scaled(number, 1000.0, &["", "k", "M", "G", "T", "P", "E"]);
    if value < 100.0 {
        format!("{value:.2} {prefix}")
    } else {
        format!("{value:.1} {prefix}")
    }
}

/// Bytes in binary units: `527.8 MiB`. Below 1024 they are exact.
pub fn bytes(number: u64) -> String {
    if number < 1024 {
        return format!("{number} B");
    }
    let (value, prefix) = scaled(number, 1024.0, &["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]);
    format!("{value:.1} {prefix}B")
}

/// Bytes in binary units, and exactly where that differs: `527.8 MiB (553,430,176 bytes)`.
pub fn bytes_exact(number: u64) -> String {
    if number < 1024 {
        return bytes(number);
    }
    format!("{} ({} bytes)", bytes(number), grouped(number))
}

/// Percent with one decimal and no sign: `12.3`.
pub fn percent(percent: f64) -> String {
    format!("{percent:.1}")
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
fn scaled(number: u64, base: f64, prefixes: &[&'static str]) -> (f64, &'static str) {
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
            (u64::MAX, "18,446,744,073,709,551,615"),
        ];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(signed(-1000), "-1,000");
        assert_eq!(signed(1), "+1");
        assert_eq!(signed(0), "0");
        assert_eq!(signed(i64::MIN), "-9,223,372,036,854,775,808");
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
            (u64::MAX, "18.45 E"),
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
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(bytes_exact(2048), "2.0 KiB (2,048 bytes)");
        assert_eq!(bytes_exact(12), "12 B");
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
