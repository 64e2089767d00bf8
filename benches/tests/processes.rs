//! `compare` and the processes that measure for it: what is kept when one of them, or the program itself, is ended.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A run that goes on, and what it says meanwhile.
struct Run {
    child: Child,
    progress: BufReader<ChildStderr>,
}

impl Run {
    fn start(as_gpu: bool, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_compare"));
        let pace = "--backends flex --threads 1 --warm-up 0 --seconds 0.2 --allow-drift";
        command.args(pace.split(' ')).args(arguments);
        if as_gpu {
            command.env("COMPARE_AS_GPU", "flex");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let progress = BufReader::new(child.stderr.take().expect("standard error"));
        Self { child, progress }
    }

    /// Waits until it says so.
    fn wait_for(&mut self, words: &str) {
        let mut all = String::new();
        loop {
            let start = all.len();
            let read = self.progress.read_line(&mut all).expect("a line");
            assert!(read > 0, "\"{words}\" was never said: {all}");
            if all[start..].contains(words) {
                return;
            }
        }
    }

    /// The processes that measure `side` for it.
    fn workers(&self, side: &str) -> Vec<u32> {
        let processes = fs::read_dir("/proc").expect("processes");
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        ids.filter(|&id| is_worker(id, self.child.id(), side))
            .collect()
    }

    /// Its exit code, standard output, and the rest of standard error.
    fn end(mut self) -> (Option<i32>, String, String) {
        let (mut shown, mut said) = (String::new(), String::new());
        let mut output = self.child.stdout.take().expect("standard output");
        output.read_to_string(&mut shown).expect("a text");
        self.progress.read_to_string(&mut said).expect("a text");
        let status = self.child.wait().expect("its end");
        (status.code(), shown, said)
    }
}

fn is_worker(id: u32, parent: u32, side: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    status.contains(&format!("\nPPid:\t{parent}\n"))
        && !status.contains("\nState:\tZ")
        && line.contains(&format!("--sides\0{side}\0"))
}

fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([name, &id.to_string()]).status();
    assert!(
        sent.is_ok_and(|status| status.success()),
        "kill {name} {id}"
    );
}

fn report(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn kept(path: &Path) -> Value {
    report(&fs::read_to_string(path).expect("a report"))
}

/// Side, batch and rounds of each row.
fn rows(report: &Value) -> Vec<(String, u64, u64)> {
    let rows = report["measurements"].as_array().expect("measurements");
    let row = |row: &Value| {
        let number = |key: &str| row[key].as_u64().expect("a number");
        let side = row["side"].as_str().expect("a side").to_owned();
        (side, number("batch"), number("rounds"))
    };
    rows.iter().map(row).collect()
}

#[test]
fn what_is_measured_is_kept_when_the_run_is_stopped() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let save = path.to_str().expect("a name");
    let words = "--sides module,prepared --batch 1,2,3 --rounds 2 --format csv --save";
    let mut run = Run::start(
        false,
        &[&words.split(' ').collect::<Vec<_>>()[..], &[save]].concat(),
    );
    run.wait_for("batch 2, round 1: prepared ");
    run.wait_for("batch 2, round 2: module ");
    let asked = Instant::now();
    signal(run.child.id(), "-TERM");
    let (code, shown, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(asked.elapsed() < Duration::from_secs(30));
    assert!(
        said.contains("stopped before all rows were there"),
        "{said}"
    );
    let report = kept(&path);
    assert_eq!(report["complete"], false);
    let rows = rows(&report);
    // Batch 1 is complete, of batch 2 one round is whole, batch 3 was not begun.
    let of: Vec<_> = rows.iter().map(|row| (row.0.as_str(), row.1)).collect();
    let both = [
        ("module", 1),
        ("prepared", 1),
        ("module", 2),
        ("prepared", 2),
    ];
    assert_eq!(of, both.map(|(side, batch)| (side, batch as u64)));
    assert!(rows[0].2 >= 2 && rows[1].2 >= 2, "{rows:?}");
    assert_eq!((rows[2].2, rows[3].2), (1, 1), "{rows:?}");
    // The same rows were printed, each whole.
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 5, "{shown}");
    let cells = |line: &str| {
        line.split('"')
            .step_by(2)
            .collect::<String>()
            .matches(',')
            .count()
    };
    assert!(
        lines.iter().all(|line| cells(line) == cells(lines[0])),
        "{shown}"
    );
    let parts: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
    assert_eq!(parts.len(), 1, "{parts:?}");
}

#[test]
fn json_is_whole_when_the_run_is_stopped() {
    let words = "--sides module --rounds 9 --format json";
    let mut run = Run::start(true, &words.split(' ').collect::<Vec<_>>());
    run.wait_for("round 2: module ");
    let workers = run.workers("module");
    assert_eq!(workers.len(), 1);
    let parent = run.child.id();
    signal(parent, "-INT");
    let (code, shown, _) = run.end();
    assert_eq!(code, Some(130));
    let report = report(&shown);
    assert_eq!(report["complete"], false);
    assert_eq!(rows(&report), [("module".to_owned(), 1, 2)]);
    // Nobody goes on measuring for nobody.
    let gone = |id: &u32| !Path::new(&format!("/proc/{id}")).exists();
    assert!(workers.iter().all(gone));
}

#[test]
fn a_gpu_side_keeps_its_process_and_one_that_dies_is_a_row_that_says_so() {
    let words = "--sides module,prepared --rounds 4 --format json";
    let mut run = Run::start(true, &words.split(' ').collect::<Vec<_>>());
    run.wait_for("round 1: prepared ");
    let first = [run.workers("module"), run.workers("prepared")];
    run.wait_for("round 2: prepared ");
    let second = [run.workers("module"), run.workers("prepared")];
    assert_eq!(first, second);
    assert!(first.iter().all(|workers| workers.len() == 1), "{first:?}");
    // The one that stays, and the one that tries once more.
    signal(first[0][0], "-KILL");
    let start = Instant::now();
    let other = loop {
        let workers = run.workers("module");
        if let Some(&other) = workers.iter().find(|&&id| id != first[0][0]) {
            break other;
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "it is not tried once more"
        );
        std::thread::sleep(Duration::from_millis(2));
    };
    signal(other, "-KILL");
    let (code, shown, said) = run.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("; once more"), "{said}");
    let report = report(&shown);
    assert_eq!(report["complete"], true);
    let rows = rows(&report);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0].0 == "prepared" && rows[0].2 >= 4, "{rows:?}");
    let failure = &report["failures"][0];
    assert_eq!(failure["side"], "module");
    let reason = failure["reason"].as_str().expect("a reason");
    assert!(
        reason.contains("ended without an answer: signal: 9"),
        "{reason}"
    );
    // What a GPU's row has, and what this backend does not tell.
    let row = &report["measurements"][0];
    assert_eq!(row["device"], "flex, taken for a GPU");
    assert_eq!(row["device_memory"], Value::Null);
    assert!(row["percent_of_peak"].is_number() && row["percent_of_bandwidth"].is_number());
    assert_eq!(report["peaks"][1]["device"], "flex");
    assert_eq!(report["peaks"][1]["name"], row["device"]);
}

#[test]
fn on_the_processor_each_turn_has_a_process_of_its_own() {
    let words = "--sides module --rounds 3";
    let words: Vec<_> = words.split(' ').collect();
    let mut run = Run::start(false, &words);
    let mut seen = Vec::new();
    for round in 1..=3 {
        let start = Instant::now();
        while seen.len() < round && start.elapsed() < Duration::from_secs(60) {
            let new = run.workers("module");
            seen.extend(
                new.into_iter()
                    .filter(|id| !seen.contains(id))
                    .collect::<Vec<_>>(),
            );
        }
        run.wait_for(&format!("round {round}: module "));
    }
    assert!(seen.len() >= 3, "{seen:?}");
    assert_eq!(run.end().0, Some(0));
}

#[test]
fn a_process_that_serves_answers_every_line() {
    let words = "--serve --backends flex --sides module --threads 1 --seconds 0 --warm-up 0";
    let mut child = Command::new(env!("CARGO_BIN_EXE_compare"))
        .args(words.split(' '))
        .env("COMPARE_AS_GPU", "flex")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("standard input");
    for line in [
        "\"first-call\"",
        "\"turn\"",
        "hello",
        "\"turn\"",
        "\"first-call\"",
        "\"peaks\"",
    ] {
        writeln!(input, "{line}").expect("it listens");
    }
    drop(input);
    let output = child.wait_with_output().expect("it ends with its input");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("a text");
    let answers: Vec<Value> = text.lines().map(report).collect();
    assert_eq!(answers.len(), 6, "{text}");
    // There is one first call, however often it is asked for.
    assert_eq!(answers[0], answers[4]);
    assert!(
        answers[0]["Ok"]["milliseconds"]
            .as_f64()
            .is_some_and(|time| time > 0.0)
    );
    for turn in [&answers[1], &answers[3]] {
        assert_eq!(
            turn["Ok"]["bursts"].as_array().map(Vec::len),
            Some(1),
            "{turn}"
        );
        let reference = turn["Ok"]["reference"].as_array().map(Vec::len);
        assert_eq!(reference, Some(2), "{turn}");
    }
    let refusal = answers[2]["Err"].as_str().expect("a refusal");
    assert!(refusal.contains("found \"hello\""), "{refusal}");
    assert!(
        answers[5]["Ok"]["gflops"]
            .as_f64()
            .is_some_and(|peak| peak > 0.0)
    );
}
