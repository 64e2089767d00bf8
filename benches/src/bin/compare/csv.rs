//! A report as comma-separated values, in the columns of SCHEMA.md.

use serde_json::Value;

use crate::machine::Machine;
use crate::report::Rows;

const SCHEMA: &str = include_str!("SCHEMA.md");

/// The columns that SCHEMA.md documents, in its order.
fn columns() -> Vec<&'static str> {
    let (_, table) = SCHEMA.split_once("| column |").unwrap_or_default();
    let names = table.lines().filter_map(|line| line.strip_prefix("| `"));
    names.filter_map(|line| line.split('`').next()).collect()
}

pub(crate) fn heading() -> String {
    columns().join(",") + "\n"
}

/// A line for each row; those without times have a reason.
pub(crate) fn rows(machine: &Machine, rows: &Rows) -> Result<String, serde_json::Error> {
    let measured = rows.measurements.iter().map(serde_json::to_value);
    let failed = rows.failures.iter().map(serde_json::to_value);
    let machine = Value::String(machine.to_string());
    let mut text = String::new();
    for fields in measured.chain(failed) {
        let fields = fields?;
        let values = columns().into_iter().map(|column| match column {
            "machine" => cell(&machine),
            column => cell(&fields[column]),
        });
        text += &(values.collect::<Vec<_>>().join(",") + "\n");
    }
    Ok(text)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.contains([',', '"', '\n']) => {
            format!("\"{}\"", text.replace('"', "\"\""))
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    fn keys(value: &Value) -> Vec<String> {
        let fields = value.as_object().expect("an object");
        fields.keys().cloned().collect()
    }

    #[test]
    fn the_schema_names_every_field_and_no_other() {
        let value = serde_json::to_value(report()).expect("JSON");
        let mut fields = Vec::new();
        for (prefix, object) in [
            ("machine.processor.", &value["machine"]["processor"]),
            ("machine.", &value["machine"]),
            ("peaks[].", &value["peaks"][0]),
            ("", &value),
        ] {
            let own = keys(object).into_iter();
            // What holds others is described by them.
            let own = own.filter(|key| !["processor", "machine", "peaks"].contains(&key.as_str()));
            fields.extend(own.map(|key| format!("{prefix}{key}")));
        }
        let (table, _) = SCHEMA.split_once("| column |").expect("two tables");
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut documented: Vec<_> = rows.filter_map(|line| line.split('`').next()).collect();
        documented
            .iter_mut()
            .for_each(|name| *name = name.trim_end_matches("[]"));
        documented.sort_unstable();
        fields.sort_unstable();
        assert_eq!(fields, documented);
    }

    #[test]
    fn every_field_of_a_measurement_is_a_column() {
        let value = serde_json::to_value(report()).expect("JSON");
        let mut found = keys(&value["measurements"][0]);
        found.push("machine".into());
        // What only the rows without times have.
        for key in keys(&value["failures"][0]) {
            if !found.contains(&key) {
                assert_eq!(key, "reason");
                found.push(key);
            }
        }
        let mut expected = columns();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn texts_with_commas_are_quoted() {
        let report = report();
        let text = rows(&report.machine, &report.rows).expect("CSV");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        let start = ",\"torch, eager\",,\"PyTorch 2.15.0, f32\",processor,12345.6,";
        assert!(lines[2].contains(start), "{text}");
        let reason = ",Python's onnxruntime_ep_webgpu is not installed";
        assert!(
            lines[3].starts_with("vgg16,1,inference,ort-webgpu,,,,") && lines[3].ends_with(reason),
            "{text}"
        );
        assert!(
            lines[0].ends_with(",\"AMD family 25 model 1 (Zen 3), 2 threads, AVX2\","),
            "{text}"
        );
        assert_eq!(cell(&Value::String("a \"b\"".into())), "\"a \"\"b\"\"\"");
    }
}
