//! Peaks as people write them: `2.1TFLOP/s`, `60GB/s`.

use crate::limits::parse_amount;

/// Why a text is no peak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}: {cause}; write it as {example}")]
pub struct RateError {
    text: String,
    what: &'static str,
    cause: String,
    example: &'static str,
}

/// The endings of a speed of arithmetic, the longest first.
const FLOPS: [&str; 3] = ["FLOPs/s", "FLOP/s", "FLOPS"];

/// Reads a speed of arithmetic in floating-point operations in a second, such as `2.1TFLOP/s`.
///
/// The number and its prefix are an [amount](parse_amount); `FLOP/s`, `FLOPs/s` or `FLOPS`
/// follows, in capitals or not.
///
/// # Errors
///
/// If the text is no such speed, or zero.
pub fn parse_peak(text: &str) -> Result<f64, RateError> {
    let number = FLOPS.iter().find_map(|unit| without(text, unit));
    let no_bytes = number.filter(|number| !number.ends_with('B'));
    rate(no_bytes, "it does not end in FLOP/s").map_err(|cause| RateError {
        text: text.to_owned(),
        what: "speed of arithmetic",
        cause,
        example: "2.1TFLOP/s or 160GFLOP/s",
    })
}

/// Reads a speed of memory in bytes in a second, such as `60GB/s` or `56GiB/s`.
///
/// The number and its prefix are an [amount](parse_amount); `B/s` follows.
///
/// # Errors
///
/// If the text is no such speed, or zero.
pub fn parse_bandwidth(text: &str) -> Result<f64, RateError> {
    let number = text.trim().strip_suffix("B/s");
    let no_bytes = number.filter(|number| !number.ends_with('B'));
    rate(no_bytes, "it does not end in B/s").map_err(|cause| RateError {
        text: text.to_owned(),
        what: "speed of memory",
        cause,
        example: "60GB/s or 56GiB/s",
    })
}

/// The text before a unit, in capitals or not.
fn without<'a>(text: &'a str, unit: &str) -> Option<&'a str> {
    let text = text.trim();
    let (number, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
    end.eq_ignore_ascii_case(unit).then_some(number)
}

fn rate(number: Option<&str>, no_unit: &str) -> Result<f64, String> {
    let number = number.ok_or_else(|| no_unit.to_owned())?;
    match parse_amount(number) {
        Ok(0) => Err("it is zero".to_owned()),
        Ok(amount) => Ok(amount as f64),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_bandwidths() {
        let peaks = [
            ("2.1TFLOP/s", 2.1e12),
            ("164.6 GFLOP/s", 164.6e9),
            ("160gflops", 0.0),
            ("160Gflops", 160e9),
            (" 1_000MFLOPs/s ", 1e9),
            ("7FLOP/s", 7.0),
        ];
        for (text, speed) in peaks {
            assert_eq!(parse_peak(text).unwrap_or(0.0), speed, "{text}");
        }
        let bandwidths = [
            ("60GB/s", 60e9),
            ("60.6 GB/s", 60.6e9),
            ("1GiB/s", 1024f64.powi(3)),
            ("12B/s", 12.0),
        ];
        for (text, speed) in bandwidths {
            assert_eq!(parse_bandwidth(text), Ok(speed), "{text}");
        }
    }

    #[test]
    fn errors_name_the_text_the_cause_and_an_example() {
        let cases = [
            (
                parse_peak("2.1T"),
                "`2.1T` is no speed of arithmetic: it does not end in FLOP/s; write it as 2.1TFLOP/s",
            ),
            (parse_peak("60GB/s"), "does not end in FLOP/s"),
            (parse_peak("2GBFLOP/s"), "does not end in FLOP/s"),
            (parse_peak("2xFLOP/s"), "`x` is no unit"),
            (parse_peak("FLOP/s"), "is no number"),
            (parse_peak("0FLOP/s"), "it is zero"),
            (parse_peak("-1GFLOP/s"), "is no speed of arithmetic"),
            (parse_bandwidth("60Gb/s"), "does not end in B/s"),
            (parse_bandwidth("60GB"), "does not end in B/s"),
            (parse_bandwidth("60GBB/s"), "does not end in B/s"),
            (parse_bandwidth("0.0GB/s"), "it is zero"),
            (parse_bandwidth("µB/s"), "is no speed of memory"),
        ];
        for (result, expected) in cases {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
