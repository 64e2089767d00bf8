//! The chapters of `docs/learn`: their commands run, say what the text says, and their sums are right.
//!
//! A block `sh` holds commands. A block `text` behind it holds lines of what the last one says, with `…` for lines
//! that are left out. In `text measured` numbers depend on the machine or on chance, or come from a longer run than
//! this one: there they may be any numbers.

mod arithmetic;
mod chapters;
mod commands;
#[path = "../program/mod.rs"]
mod program;

use std::fs;

use chapters::{chapters, workspace};
use commands::{commands, run};
use program::{example, fails_with, folder};

/// All numbers replaced by `#`, and all spaces between words by one.
fn without_numbers(line: &str) -> String {
    let mut shape = String::new();
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let sign = "+-".contains(letter) && letters.peek().is_some_and(char::is_ascii_digit);
        if letter.is_ascii_digit() || sign {
            while letters
                .next_if(|next| next.is_ascii_digit() || ".,".contains(*next))
                .is_some()
            {}
            shape.push('#');
        } else {
            shape.push(letter);
        }
    }
    shape.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// With `--nocapture`, shows what each command says.
#[test]
fn commands_say_what_the_text_says() {
    let folder = folder();
    for chapter in chapters() {
        let (name, mut said, mut compared) = (chapter.name(), String::new(), 0);
        for block in chapter.blocks() {
            match block.kind.as_str() {
                "sh" => {
                    for command in commands(&block) {
                        said = run(&command, folder.path());
                        println!("{name}: {command}\n{said}");
                    }
                }
                "text" => {
                    let mut lines = said.lines();
                    for expected in block.lines.iter().filter(|line| line.trim() != "…") {
                        let found = lines.any(|line| line.trim_end() == expected.trim_end());
                        assert!(found, "{name}: `{expected}` is not (there) in\n{said}");
                        compared += 1;
                    }
                }
                "text measured" => {
                    let shapes: Vec<_> = said.lines().map(without_numbers).collect();
                    for expected in block.lines.iter().filter(|line| line.trim() != "…") {
                        let shape = without_numbers(expected);
                        assert!(
                            shapes.contains(&shape),
                            "{name}: nothing is like `{expected}` in\n{said}"
                        );
                        compared += 1;
                    }
                }
                "rust" => {}
                other => panic!("{name}: what is a block of `{other}`?"),
            }
        }
        assert!(
            compared > 0 || name == "README.md",
            "{name}: no output is compared"
        );
    }
}

#[test]
fn sums_in_the_text_are_right() {
    for chapter in chapters() {
        let sums = chapter.sums();
        for sum in &sums {
            let right = arithmetic::holds(sum);
            assert_eq!(right, Some(true), "{}: `{sum}`", chapter.name());
        }
        let few = if chapter.name().starts_with(['2', '4']) {
            5
        } else {
            0
        };
        assert!(sums.len() >= few, "{}: {} sums", chapter.name(), sums.len());
    }
    assert_eq!(arithmetic::holds("(3·3·64 + 1)·64 = 36,928"), Some(true));
    assert_eq!(arithmetic::holds("144 / 36 − 1 = 4"), Some(false));
    assert_eq!(arithmetic::holds("3·(4 = 12"), None);
}

#[test]
fn code_in_the_text_is_that_of_the_program() {
    let network = workspace().join("examples/learn/network.rs");
    let network = fs::read_to_string(network).expect("the program");
    let mut blocks = 0;
    for chapter in chapters() {
        for block in chapter.blocks().iter().filter(|block| block.kind == "rust") {
            let code = block.lines.join("\n");
            assert!(
                network.contains(&code),
                "{}: network.rs has no\n{code}",
                chapter.name()
            );
            blocks += 1;
        }
    }
    assert!(blocks > 0, "no code");
}

#[test]
fn links_lead_to_files_and_pictures_are_small() {
    let mut bytes = 0;
    for chapter in chapters() {
        for file in chapter.linked_files() {
            assert!(file.exists(), "{}: no {}", chapter.name(), file.display());
            let picture = ["png", "svg"]
                .iter()
                .any(|kind| file.extension().is_some_and(|found| found == *kind));
            bytes += if picture {
                fs::metadata(&file).expect("a file").len()
            } else {
                0
            };
        }
    }
    assert!((1..300_000).contains(&bytes), "{bytes} bytes of pictures");
}

#[test]
fn networks_that_cannot_be_are_named() {
    for (options, expected) in [
        (
            ["--blocks", "5"],
            "can be halved at most 4 times: 1 to 4 blocks, found 5",
        ),
        (["--blocks", "0"], "1 to 4 blocks, found 0"),
        (
            ["--layers", "9"],
            "a block has 1 to 8 convolutions, found 9",
        ),
        (
            ["--filter", "4"],
            "so its side is odd, and no larger than an image: 1, 3, 5 … 27, found 4",
        ),
        (["--filter", "29"], "found 29"),
    ] {
        fails_with(example("learn").args(options), expected);
    }
    fails_with(example("learn").args(["--limit", "0"]), "error: ");
    fails_with(
        example("winograd").args(["--inputs", "1,2,3"]),
        "4 numbers with commas between them are expected",
    );
    fails_with(
        example("winograd").args(["--filter", "1,NaN,3"]),
        "3 numbers with commas",
    );
    fails_with(
        example("winograd").args(["--channels", "0"]),
        "0 is not in 1..=1024",
    );
}

/// As Ctrl-C does.
#[cfg(unix)]
#[test]
fn an_interrupted_training_ends_quietly() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let mut learn = example("learn");
    learn
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("RAYON_NUM_THREADS", "1");
    let mut child = learn.spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    while !line.contains("images to learn from") {
        line.clear();
        assert_ne!(
            lines.read_line(&mut line).expect("a line"),
            0,
            "it ended too early"
        );
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.expect("kill").success());
    let status = program::ends(&mut child);
    assert!(status.success(), "{status}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    assert!(rest.ends_with("stopped in epoch 1\n"), "{rest}");
}
