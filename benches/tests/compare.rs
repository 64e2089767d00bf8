//! The program as people call it. What it measures here says nothing about speed: the runs are as short as can be.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn compare(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(arguments)
        .output()
        .expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A run on the small network, once, whatever the machine's speed does.
const QUICKLY: [&str; 11] = [
    "--backends",
    "flex",
    "--rounds",
    "1",
    "--seconds",
    "0",
    "--warm-up",
    "0",
    "--threads",
    "2",
    "--allow-drift",
];

fn short_run(more: &[&str]) -> Output {
    let output = compare(&[&QUICKLY[..], more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    output
}

fn report(path: &Path) -> Value {
    let report = std::fs::read(path).expect("a report");
    serde_json::from_slice(&report).expect("JSON")
}

fn measurements(report: &Value) -> &[Value] {
    report["measurements"].as_array().expect("measurements")
}

#[test]
fn what_is_kept_is_shown_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let kept = path.to_str().expect("a name");
    let output = short_run(&["--sides", "prepared-f16,module", "--save", kept]);
    let (shown, progress) = (text(&output.stdout), text(&output.stderr));
    for side in ["prepared-f16", "module"] {
        assert!(shown.contains(&format!("\n{side} ")), "{shown}");
        assert!(
            progress.contains(&format!("round 1: {side} ")),
            "{progress}"
        );
    }
    assert!(shown.contains("2 threads"), "{shown}");
    let report = report(&path);
    assert_eq!(report["complete"], true);
    let found = measurements(&report);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["ratio"], 1.0);
    assert_eq!(found[0]["device"], "processor");
    for (format, part) in [
        ("table", "vgg16-28 inference, batch 1"),
        ("markdown", "| prepared-f16 |"),
        ("csv", "model,batch,task,side,backend,"),
        ("json", "\"schema\": 6"),
        ("svg", "<svg "),
    ] {
        let shown = compare(&["--show", kept, "--format", format]);
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        assert!(text(&shown.stdout).contains(part), "{format}");
    }
    let table = compare(&["--show", kept]);
    assert_eq!(text(&table.stdout), shown);
}

#[test]
#[cfg(unix)]
fn other_frameworks_are_rows_and_broken_ones_say_why() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("peers");
    let script = "#!/bin/sh\n[ \"$2\" = broken ] && echo 'no room' >&2 && exit 1\n\
        [ \"$2\" = far ] && printf 'far\\t%s\\t%s\\t4\\t3\\t9\\tCard\\t2\\t2.04\\t4096\\n' $4 $3 && exit\n\
        printf '%s\\tabout\\tA framework 1.2, f32\\n' $2\n\
        printf '%s-a\\t%s\\t%s\\t7.5\\t7.25\\t9\\n%s-b\\t%s\\t%s\\t5\\t4\\t9\\n' $2 $4 $3 $2 $4 $3\n";
    std::fs::write(&program, script).expect("written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&program, mode).expect("executable");
    let path = folder.path().join("report.json");
    let (program, kept) = (
        program.to_str().expect("a name"),
        path.to_str().expect("a name"),
    );
    let sides = ["--sides", "module,broken,fast,far", "--peers", program];
    let step = ["--tasks", "sgd", "--batch", "2", "--save", kept];
    let output = short_run(&[&sides[..], &step[..]].concat());
    let said = "broken           no times: no room\n  fast-a, fast-b: A framework 1.2, f32\n";
    assert!(
        text(&output.stdout).ends_with(said),
        "{}",
        text(&output.stdout)
    );
    // It is not asked a second time for what it cannot do.
    let progress = text(&output.stderr);
    assert!(!progress.contains("once more"), "{progress}");
    let report = report(&path);
    let found = measurements(&report);
    let sides: Vec<_> = found
        .iter()
        .filter_map(|found| found["side"].as_str())
        .collect();
    assert_eq!(sides, ["module", "fast-a", "fast-b", "far"]);
    assert_eq!(
        (&found[1]["median_ms"], &found[1]["least_ms"]),
        (&7.5.into(), &7.25.into())
    );
    assert_eq!(found[1]["backend"], Value::Null);
    assert_eq!(found[2]["about"], "A framework 1.2, f32");
    assert_eq!(
        (&found[0]["about"], &found[3]["about"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(found[1]["device"], "processor");
    assert!(found[1]["percent_of_peak"].is_number());
    // On a device of its own, which nobody measured: only what its program says of it.
    assert_eq!(found[3]["device"], "Card");
    assert_eq!(found[3]["device_memory"], 4096);
    assert_eq!(found[3]["reference_ms"], 2.02);
    assert_eq!(found[3]["percent_of_peak"], Value::Null);
    let failures = report["failures"].as_array().expect("failures");
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (&failures[0]["side"], &failures[0]["reason"]),
        (&"broken".into(), &"no room".into())
    );
}

/// They have names for some workloads only.
#[test]
fn other_frameworks_are_not_left_out_without_a_word() {
    let sides = ["--sides", "module,fast", "--peers", "nobody-starts-it"];
    let output = short_run(&[&sides[..], &["--models", "vgg11-cifar"]].concat());
    let said = "fast             no times: other frameworks do not have this workload\n";
    assert!(
        text(&output.stdout).ends_with(said),
        "{}",
        text(&output.stdout)
    );
}

#[test]
#[cfg(unix)]
fn where_nobody_can_do_it_the_run_fails_and_keeps_the_rest() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    // There is no such memory.
    let output = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(QUICKLY)
        .args(["--sides", "module", "--batch", "1,100000000", "--save"])
        .arg(&path)
        .output()
        .expect("it starts");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("none of the sides could do vgg16-28 inference, batch 100000000"),
        "{said}"
    );
    let report = report(&path);
    assert_eq!(measurements(&report).len(), 1);
    let reason = report["failures"][0]["reason"].as_str();
    assert!(
        reason.is_some_and(|reason| reason.starts_with("out of memory: it needs ")),
        "{report}"
    );
}

#[test]
fn a_profile_has_every_layer() {
    let words = ["--profile", "--sides", "burn", "--format", "csv"];
    let output = short_run(&words);
    let lines = text(&output.stdout);
    let convolutions = lines.lines().filter(|line| line.contains(",convolution,"));
    assert_eq!(convolutions.count(), 10, "{lines}");
}

#[test]
fn errors_are_sentences_and_come_first() {
    for (arguments, part) in [
        (&["--models", "vgg99"][..], "vgg99"),
        (&["--sides", "prepered"], "there is no side \"prepered\""),
        (
            &["--sides", "prepared", "--tasks", "sgd"],
            "none of the sides can do",
        ),
        (
            &["--profile", "--sides", "prepared"],
            "--profile takes the sides module and burn",
        ),
        (&["--show", "/nowhere.json"], "/nowhere.json"),
        (&["--against", "/nowhere.json"], "/nowhere.json"),
        (&["--save", "/"], "a folder, not a file"),
    ] {
        let output = compare(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("error: ") && said.contains(part), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_machine_is_one_line() {
    let output = compare(&["--machine", "--threads", "3"]);
    assert!(output.status.success());
    let line = text(&output.stdout);
    assert!(
        line.contains(", 3 threads, ") && line.lines().count() == 1,
        "{line}"
    );
}
