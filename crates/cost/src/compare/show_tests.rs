//! Tests of the forms of a comparison.

use super::Comparison;
use crate::render::{Layout, sample};

fn comparison() -> Comparison {
    let mut after = sample::deep(3);
    after.rows[0].path = "features.0".to_owned();
    Comparison::new(&sample::report(), &after).unwrap()
}

#[test]
fn the_table_fits() {
    let extreme = Comparison::new(&sample::extreme(), &sample::report()).unwrap();
    for comparison in [comparison(), extreme] {
        for width in [40, 57, 80, 100, 160] {
            let table = comparison.to_table_with(&Layout::default().with_width(width));
            let widest = table.lines().map(|l| l.chars().count()).max();
            assert!(widest <= Some(width), "{table}");
        }
        assert!(
            comparison
                .to_table()
                .lines()
                .all(|l| l.chars().count() <= 100)
        );
    }
}

#[test]
fn long_paths_stay_different() {
    let comparison = Comparison::new(&sample::alike(30), &sample::alike(30)).unwrap();
    let table = comparison.to_table_with(&Layout::default().with_width(80));
    let names: std::collections::HashSet<&str> = table
        .lines()
        .filter(|line| line.starts_with("a_long"))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names.len(), 30, "{table}");
}

#[test]
fn totals_come_first() {
    let table = comparison().to_table();
    let peak = table.find("peak memory, inference").unwrap();
    assert!(peak < table.find("features.0").unwrap(), "{table}");
    assert!(table.contains("WARNING"), "{table}");
}

#[test]
fn csv_leaves_absent_values_empty_and_adds_up() {
    let text = comparison().to_csv();
    assert!(
        text.contains("\nhead,Linear<f32>,,170,,160,,macs\n"),
        "{text}"
    );
    let lines: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    let (total, rows) = lines.split_last().unwrap();
    for column in 3..7 {
        let sum: u128 = rows
            .iter()
            .filter_map(|r| r[column].parse::<u128>().ok())
            .sum();
        assert_eq!(sum.to_string(), total[column]);
    }
}

#[test]
fn json_round_trip() {
    let comparison = Comparison::new(&sample::report(), &sample::report()).unwrap();
    let text = comparison.to_json().unwrap();
    assert_eq!(
        serde_json::from_str::<Comparison>(&text).unwrap(),
        comparison
    );
}

#[test]
fn markdown_escapes_names() {
    let text = comparison().to_markdown();
    assert!(
        text.contains("- before: tiny\\|net, inputs 1x3x8x8 f32"),
        "{text}"
    );
    assert!(text.contains("| parameters | 650 |"), "{text}");
}
