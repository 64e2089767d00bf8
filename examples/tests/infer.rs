//! `infer` among other people's files: pictures of which some are broken, names that a terminal would obey,
//! classes that the network does not know.

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use program::{example, folder, text};
use safetensors::{SafeTensors, serialize};
use vgg::{Classifier, Precision};

/// A picture of something light, the more of it the larger `kind` is.
fn draw(path: &Path, kind: u32) {
    let picture = GrayImage::from_fn(40, 40, |x, _| {
        Luma([if x > 4 + kind % 24 { 20 } else { 240 }])
    });
    picture.save(path).expect("saved");
}

/// What a program said and how it ended, which was not by a panic.
fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    (status.code(), stdout, stderr)
}

/// Twenty pictures, more than are read at once, of which four cannot be used.
fn mixed(folder: &Path) -> Vec<PathBuf> {
    let paths: Vec<_> = (0..20)
        .map(|number| folder.join(format!("picture-{number:02}.png")))
        .collect();
    for (path, number) in paths.iter().zip(0..) {
        match number {
            1 => fs::write(path, "<html>404</html>").expect("written"),
            2 => fs::create_dir(path).expect("created"),
            3 => {} // is not there
            18 => {
                draw(path, number);
                let bytes = fs::read(path).expect("written");
                fs::write(path, &bytes[..bytes.len() / 2]).expect("written");
            }
            _ => draw(path, number),
        }
    }
    paths
}

const BROKEN: [usize; 4] = [1, 2, 3, 18];

#[test]
fn a_broken_picture_does_not_take_the_others_answers() {
    let folder = folder();
    let paths = mixed(folder.path());
    let (code, stdout, stderr) = said(example("infer").args(&paths).args(["--top", "1"]));
    assert_eq!(code, Some(1), "{stderr}");
    let name = |path: &PathBuf| path.display().to_string();
    let titles: Vec<_> = stdout
        .lines()
        .filter(|line| line.contains("picture-"))
        .collect();
    let good = paths
        .iter()
        .zip(0..)
        .filter(|(_, number)| !BROKEN.contains(number));
    let good: Vec<_> = good.map(|(path, _)| name(path)).collect();
    assert_eq!(titles, good);
    assert_eq!(stdout.matches(" %").count(), good.len(), "{stdout}");
    let errors: Vec<_> = stderr
        .lines()
        .filter(|line| line.contains("picture-"))
        .collect();
    assert_eq!(errors.len(), BROKEN.len(), "{stderr}");
    for (error, number) in errors.iter().zip(BROKEN) {
        // Once, however the reason begins.
        let expected = format!("error: {}: ", name(&paths[number]));
        assert!(error.starts_with(&expected), "{error}");
        assert_eq!(error.matches("picture-").count(), 1, "{error}");
    }
    assert!(
        stderr.ends_with("error: 4 pictures could not be recognised\n"),
        "{stderr}"
    );

    // The answers are those that each picture gets alone.
    let mut alone = String::new();
    for number in [0, 4, 19] {
        let (code, stdout, _) = said(example("infer").arg(&paths[number]).args(["--top", "1"]));
        assert_eq!(code, Some(0));
        alone = stdout;
    }
    assert!(
        stdout.ends_with(&alone),
        "{stdout:?} ends otherwise than {alone:?}"
    );
}

#[test]
fn a_broken_picture_is_a_line_of_json_in_its_place() {
    let folder = folder();
    let paths = mixed(folder.path());
    let (code, stdout, stderr) = said(example("infer").args(&paths).arg("--json"));
    assert_eq!(code, Some(1), "{stderr}");
    let lines: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), paths.len());
    for ((line, path), number) in lines.iter().zip(&paths).zip(0..) {
        assert_eq!(line["image"], path.display().to_string());
        assert_eq!(
            line["error"].is_string(),
            BROKEN.contains(&number),
            "{line}"
        );
        assert_eq!(
            line["classes"].is_array(),
            !BROKEN.contains(&number),
            "{line}"
        );
    }
    assert_eq!(stderr.matches("picture-").count(), BROKEN.len(), "{stderr}");
}

#[test]
fn pictures_of_which_none_can_be_used() {
    let folder = folder();
    let paths = [1, 2].map(|number| folder.path().join(format!("none-{number}.jpg")));
    let (code, stdout, stderr) = said(example("infer").args(&paths));
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(
        stderr.contains("none-1.jpg") && stderr.contains("none-2.jpg"),
        "{stderr}"
    );
    // The samples come all the same, and the code stays.
    let (code, stdout, _) = said(example("infer").args(&paths).args(["--samples", "1"]));
    assert_eq!(code, Some(1));
    assert!(stdout.contains("this is: "), "{stdout}");
}

#[test]
#[cfg(unix)]
fn names_of_pictures_do_not_command_the_terminal() {
    let folder = folder();
    let [good, bad] = [
        "good\u{1b}[31m\u{9b}2J.png",
        "bad\u{1b}[31m\n\u{202e}gnp.png",
    ]
    .map(|name| folder.path().join(name));
    draw(&good, 3);
    fs::write(&bad, "no picture").expect("written");
    let (code, stdout, stderr) = said(example("infer").args([&good, &bad]));
    assert_eq!(code, Some(1));
    assert!(
        stdout.contains("good\\u{1b}[31m\\u{9b}2J.png"),
        "{stdout:?}"
    );
    assert!(
        stderr.contains("bad\\u{1b}[31m\\n\\u{202e}gnp.png"),
        "{stderr:?}"
    );
    for said in [stdout, stderr] {
        let commands = |letter: char| letter.is_control() && letter != '\n';
        assert!(
            !said.contains(commands) && !said.contains('\u{202e}'),
            "{said:?}"
        );
    }
}

/// The shipped network in a file.
fn shipped(path: &Path, precision: Precision) {
    let device = vgg::device("flex").expect("always there");
    let classifier = Classifier::shipped(&device).expect("shipped");
    classifier.save(path, precision).expect("saved");
}

/// The shipped network with other names.
fn renamed(path: &Path, classes: &[String]) {
    shipped(path, Precision::F16);
    let bytes = fs::read(path).expect("written");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("valid");
    let mut entries = header.metadata().clone().expect("it describes itself");
    let names = serde_json::to_string(classes).expect("serialised");
    entries
        .insert("vgg.classes".to_owned(), names)
        .expect("names");
    let tensors = SafeTensors::deserialize(&bytes).expect("valid");
    let changed = serialize(tensors.iter(), Some(entries)).expect("serialised");
    fs::write(path, changed).expect("written");
}

/// Shown harmlessly, or refused.
#[test]
fn names_of_classes_do_not_command_the_terminal() {
    let folder = folder();
    let (weights, picture) = (
        folder.path().join("w.safetensors"),
        folder.path().join("p.png"),
    );
    draw(&picture, 7);
    for name in ["\u{1b}]0;title\u{7}".to_owned(), "x".repeat(70_000)] {
        let classes: Vec<_> = (0..10).map(|class| format!("{class}{name}")).collect();
        renamed(&weights, &classes);
        for options in [vec![], vec!["--evaluate", "--limit", "10"]] {
            let mut command = example("infer");
            command
                .arg("--weights")
                .arg(&weights)
                .arg(&picture)
                .args(&options);
            let (code, stdout, stderr) = said(&mut command);
            assert!(matches!(code, Some(0 | 1)), "{code:?}");
            for said in [stdout, stderr] {
                assert!(!said.contains(['\u{1b}', '\u{7}']), "{said:?}");
                let longest = said.lines().map(|line| line.chars().count()).max();
                assert!(longest < Some(5000), "{longest:?}");
            }
        }
    }
}

/// Each weight is a number, but their sums are not.
#[test]
fn an_answer_that_is_not_finite_is_an_error_of_its_picture() {
    let folder = folder();
    let weights = folder.path().join("huge.safetensors");
    shipped(&weights, Precision::F32);
    let mut bytes = fs::read(&weights).expect("written");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("valid");
    let start = 8 + u64::from_le_bytes(*bytes.first_chunk().expect("a header")) as usize;
    for (name, tensor) in header.tensors() {
        if name.ends_with("weight") && tensor.shape.len() == 2 {
            let (from, to) = tensor.data_offsets;
            for value in bytes[start + from..start + to].as_chunks_mut().0 {
                let huge = f32::MAX.copysign(f32::from_le_bytes(*value));
                *value = huge.to_le_bytes();
            }
        }
    }
    fs::write(&weights, bytes).expect("written");
    let pictures = [3, 9].map(|kind| {
        let path = folder.path().join(format!("picture-{kind}.png"));
        draw(&path, kind);
        path
    });
    for json in [false, true] {
        let mut command = example("infer");
        command.arg("--weights").arg(&weights).args(&pictures);
        command
            .args(["--samples", "2"])
            .args(json.then_some("--json"));
        let (code, stdout, stderr) = said(&mut command);
        assert_eq!(code, Some(1), "{stderr}");
        assert_eq!(stderr.matches("finite").count(), 4, "{stderr}");
        assert_eq!(stderr.matches("picture-").count(), 2, "{stderr}");
        assert_eq!(stdout.lines().count(), if json { 4 } else { 0 }, "{stdout}");
        assert!(
            !stdout.contains("classes") && !stdout.contains("NaN"),
            "{stdout}"
        );
    }
    let mut command = example("infer");
    command
        .arg("--weights")
        .arg(&weights)
        .args(["--evaluate", "--limit", "50"]);
    let (code, stdout, stderr) = said(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("finite"), "{stderr}");
}

#[test]
fn other_classes_are_told_by_their_number_and_the_first_difference() {
    let folder = folder();
    for part in ["train", "test"] {
        for class in ["ant\u{1b}[2J", "bee"] {
            let class = folder.path().join(part).join(class);
            fs::create_dir_all(&class).expect("created");
            draw(&class.join("a.png"), 3);
        }
    }
    let mut command = example("infer");
    command.args(["--evaluate", "--data"]).arg(folder.path());
    let (code, stdout, stderr) = said(&mut command);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(
        stderr.contains("the network knows 10 classes, "),
        "{stderr}"
    );
    assert!(
        stderr.contains(" holds 2: class 0 is `T-shirt/top`"),
        "{stderr}"
    );
    assert!(stderr.contains("; 9 more differ"), "{stderr}");
    assert!(
        !stderr.contains("Trouser") && !stderr.contains('\u{1b}'),
        "{stderr:?}"
    );
}
