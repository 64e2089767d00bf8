//! Amounts as people write them: `15.5G`, `500M`, `1_000`, `2GiB`.

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It does not start with a number, or the number has misplaced signs.
    #[error("`{0}` is no number; write an amount such as 1_000, 500M, 15.5G or 2GiB")]
    Number(String),
    /// The letters after the number are no unit.
    #[error("`{0}` is no unit; use k, M, G, T, P, E or Ki, Mi, Gi, Ti, Pi, Ei, with or without B")]
    Unit(String),
    /// A fraction needs a unit that it is a fraction of.
    #[error("`{0}` is no whole number")]
    Fraction(String),
    /// It does not fit into 128 bits.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// Reads an amount: digits, an optional fraction, an optional unit.
///
/// `k`, `M`, `G`, `T`, `P` and `E` are powers of 1000; `Ki` to `Ei` are powers of 1024. A `B` may
/// follow, and `B` alone means bytes. `_` and `,` may separate digits. The arithmetic is exact;
/// what a fraction leaves over below one is cut off.
///
/// # Errors
///
/// If the text is no such amount or does not fit.
pub fn parse_amount(text: &str) -> Result<u128, AmountError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '_' | ',' | '.')))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim();
    let multiplier = multiplier(unit).ok_or_else(|| AmountError::Unit(unit.to_owned()))?;
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    let no_number = || AmountError::Number(text.to_owned());
    let too_large = || AmountError::TooLarge(text.to_owned());
    let whole = digits(whole).ok_or_else(no_number)?;
    let fraction = match fraction {
        None => String::new(),
        Some(fraction) => digits(fraction).ok_or_else(no_number)?,
    };
    let fraction = fraction.trim_end_matches('0');
    if multiplier == 1 && !fraction.is_empty() {
        return Err(AmountError::Fraction(text.to_owned()));
    }
    let whole: u128 = whole.parse().map_err(|_| too_large())?;
    whole
        .checked_mul(multiplier)
        .and_then(|amount| amount.checked_add(part(fraction, multiplier)))
        .ok_or_else(too_large)
}

/// The digits without separators, each of which must stand between two digits.
fn digits(text: &str) -> Option<String> {
    let mut digits = String::new();
    for group in text.split(['_', ',']) {
        if group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits += group;
    }
    Some(digits)
}

/// `0.fraction` times the multiplier, rounded down. Digits beyond the 18th are left out: the
/// largest multiplier, 2^60, times 10^18 still fits into 128 bits.
fn part(fraction: &str, multiplier: u128) -> u128 {
    let mut value = 0u128;
    let mut scale = 1u128;
    for digit in fraction.bytes().take(18) {
        value = value * 10 + u128::from(digit.saturating_sub(b'0'));
        scale *= 10;
    }
    value * multiplier / scale
}

fn multiplier(unit: &str) -> Option<u128> {
    let prefix = unit.strip_suffix('B').unwrap_or(unit);
    Some(match prefix {
        "" => 1,
        "k" | "K" => 1000,
        "M" => 1000u128.pow(2),
        "G" => 1000u128.pow(3),
        "T" => 1000u128.pow(4),
        "P" => 1000u128.pow(5),
        "E" => 1000u128.pow(6),
        "Ki" | "ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        "Ei" => 1 << 60,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        let cases = [
            ("0", 0),
            ("1_000", 1000),
            ("138,357,544", 138_357_544),
            ("500M", 500_000_000),
            ("15.5G", 15_500_000_000),
            ("15.470264320 G", 15_470_264_320),
            ("2GiB", 2 << 30),
            ("0.5Ki", 512),
            ("1.5kB", 1500),
            ("1.0", 1),
            ("12 B", 12),
            (" 7k ", 7000),
            ("0.3KiB", 307),
            ("18446744073709551615", u64::MAX.into()),
            ("15.999999999999999999Ei", (u64::MAX - 1).into()),
        ];
        for (text, amount) in cases {
            assert_eq!(parse_amount(text), Ok(amount), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount() {
        for text in ["", "G", "_1", "1__0", "1.", ".5G", "1.2.3G", "1,"] {
            let error = parse_amount(text).unwrap_err();
            assert!(matches!(error, AmountError::Number(_)), "{text}: {error}");
        }
        for text in ["-1", "1m", "1GG", "1GFLOP", "1e9", "5 %"] {
            let error = parse_amount(text).unwrap_err();
            assert!(matches!(error, AmountError::Unit(_)), "{text}: {error}");
        }
        for text in [
            "340282366920938463463374607431768211456",
            "999999999999999999999Ei",
        ] {
            let error = parse_amount(text).unwrap_err();
            assert!(matches!(error, AmountError::TooLarge(_)), "{text}: {error}");
        }
        assert!(matches!(parse_amount("1.5"), Err(AmountError::Fraction(_))));
    }
}
