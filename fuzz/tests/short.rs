//! A short run of every target, the same each time.

use std::process::Command;

#[test]
fn no_broken_file_costs_more_than_its_error() {
    let findings = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(env!("CARGO_BIN_EXE_fuzz"))
        .args(["--files", "150", "--seed", "1", "--findings"])
        .arg(findings.path())
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    let lines = said
        .lines()
        .filter(|line| line.contains("150 files, 0 findings"));
    assert!(lines.count() >= 14, "{said}");
    let left = std::fs::read_dir(findings.path()).expect("there").count();
    assert_eq!(left, 0, "{said}");
}
