//! The report as JSON, and back.

use serde::Deserialize;

use crate::report::{Report, SCHEMA};

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not JSON, or a field is missing or of another type.
    #[error("not a report: {0}")]
    Json(#[from] serde_json::Error),
    /// It was written in another version of the schema, so its fields may mean something else.
    #[error("the report has schema {found}, this version reads schema {SCHEMA}")]
    Schema {
        /// The version that the text gives.
        found: u32,
    },
}

pub(super) fn json(report: &Report) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(report)
}

impl Report {
    /// Reads what [`Report::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// If the text is no report or has another [`SCHEMA`].
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        // The version comes first: another schema may lack fields, and the message should name
        // the cause.
        let Version { schema } = serde_json::from_str(text)?;
        if schema != SCHEMA {
            return Err(ReadError::Schema { found: schema });
        }
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounds::Peaks;
    use crate::render::sample;
    use serde_json::Value;

    const PEAKS: Peaks = Peaks {
        flops_per_second: 2.1e12,
        bytes_per_second: 60e9,
    };

    #[test]
    fn round_trip() {
        for report in [sample::report(), sample::extreme()] {
            let text = report.to_json().unwrap();
            assert_eq!(Report::from_json(&text).unwrap(), report);
        }
    }

    #[test]
    fn bounds_come_back_but_for_the_last_digit() {
        let report = sample::report().with_bounds(PEAKS);
        let read = Report::from_json(&report.to_json().unwrap()).unwrap();
        let (old, new) = (report.bounds.unwrap(), read.bounds.unwrap());
        let close = |a: f64, b: f64| (a - b).abs() <= a * 1e-15;
        assert!(close(old.sum.seconds(), new.sum.seconds()));
        assert!(close(old.arithmetic_alone, new.arithmetic_alone));
        let bound = |row: &crate::report::Row| row.bound.unwrap();
        for (old, new) in report.rows.iter().zip(&read.rows) {
            assert!(close(bound(old).seconds(), bound(new).seconds()));
            assert_eq!(bound(old).roof(), bound(new).roof());
        }
        let counts = |mut report: Report| {
            report.rows.iter_mut().for_each(|row| row.bound = None);
            report.bounds = None;
            report
        };
        assert_eq!(counts(report), counts(read));
    }

    #[test]
    fn another_schema_is_refused() {
        let error = Report::from_json(r#"{"schema": 99}"#).unwrap_err();
        assert!(matches!(error, ReadError::Schema { found: 99 }));
        assert!(matches!(Report::from_json("[]"), Err(ReadError::Json(_))));
        let error = Report::from_json(&format!("{{\"schema\": {SCHEMA}}}")).unwrap_err();
        assert!(error.to_string().contains("missing field"), "{error}");
    }

    #[test]
    fn every_field_is_documented() {
        fn check(value: &Value) {
            match value {
                Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                    let documented = include_str!("SCHEMA.md").contains(&format!("| `{name}` |"));
                    assert!(documented, "{name} is not in SCHEMA.md");
                    check(value);
                }),
                Value::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        check(&serde_json::to_value(sample::report().with_bounds(PEAKS)).unwrap());
    }
}
