//! The commands of the chapters, as programs of this test's own build.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use crate::chapters::{Block, workspace};
use crate::program::{example, text};

/// What a trained network needs minutes for, in seconds: added to the commands that train and say nothing else.
const SHORT: [(&str, &[&str]); 2] = [
    (
        "train",
        &[
            "--limit",
            "60",
            "--epochs",
            "1",
            "--width",
            "0.0625",
            "--batch-size",
            "20",
        ],
    ),
    ("learn", &["--limit", "64", "--epochs", "1"]),
];

/// The commands of a block, one a line, long ones continued behind a backslash.
pub fn commands(block: &Block) -> Vec<String> {
    let joined = block.lines.join("\n").replace("\\\n", " ");
    joined.lines().map(str::to_owned).collect()
}

/// Runs `line` in `folder` and gives what it wrote on standard output. Files of the workspace are found as if it were
/// run there; what it writes stays in `folder`.
#[track_caller]
pub fn run(line: &str, folder: &Path) -> String {
    let (line, into) = match line.split_once(" > ") {
        Some((line, into)) => (line, Some(into)),
        None => (line, None),
    };
    let mut words = line.split_whitespace();
    for expected in ["cargo", "run", "--release", "--example"] {
        assert_eq!(
            words.next(),
            Some(expected),
            "only examples are run: {line}"
        );
    }
    let name = words.next().expect("a name");
    assert!(
        matches!(words.next(), Some("--") | None),
        "options stand behind `--`: {line}"
    );
    let arguments: Vec<&str> = words.collect();
    let mut command = example(name);
    command.current_dir(folder).env("RAYON_NUM_THREADS", "2");
    for argument in &arguments {
        let file = workspace().join(argument);
        match argument.contains('/') && file.exists() {
            true => command.arg(file),
            false => command.arg(argument),
        };
    }
    let short = SHORT.iter().find(|(program, _)| *program == name);
    if let Some((_, options)) = short.filter(|_| !arguments.contains(&"--epochs")) {
        command.args(*options);
    }
    output(
        &mut command,
        line,
        into.map(|into| folder.join(into)).as_deref(),
    )
}

#[track_caller]
fn output(command: &mut Command, line: &str, into: Option<&Path>) -> String {
    if let Some(path) = into {
        command.stdout(File::create(path).expect("a file to write to"));
    }
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    assert!(
        !text(&output.stderr).contains("panicked"),
        "{line}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}
