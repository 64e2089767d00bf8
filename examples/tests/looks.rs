//! The examples that look through a network: `features`, `style` and `finetune`, with pictures
//! that they can use and with input that they cannot.

mod program;

use std::fs;
use std::path::{Path, PathBuf};

use image::{GrayImage, Rgb, RgbImage};
use program::{example, fails_with, folder, succeeds};
use safetensors::{SafeTensors, serialize};
use vgg::data::{self, DataOptions};
use vgg::{Precision, VggConfig};

/// The shipped photograph called `name`.
fn photograph(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("pictures")
        .join(name)
}

fn picture(path: &Path) -> RgbImage {
    image::open(path).expect("a picture").into_rgb8()
}

/// Random weights of a narrow network.
const NARROW: [&str; 5] = ["--random-weights", "--model", "vgg11", "--width", "0.125"];

#[test]
fn features_draws_a_sheet_and_a_heat_map() {
    let out = folder();
    let mut command = example("features");
    command
        .arg(photograph("chelsea.jpg"))
        .args(NARROW)
        .args(["--side", "128", "--maps", "3"]);
    let said = succeeds(command.args(["--class", "7", "--out"]).arg(out.path()));
    assert!(
        said.contains("6 layers") && said.contains("class 7"),
        "{said}"
    );
    let sheet = picture(&out.path().join("maps.png"));
    // Three tiles of 96 pixels and four gaps; six rows of 63, the height of a 128×85 picture, or
    // what rounding makes of it.
    assert_eq!(sheet.width(), 3 * 96 + 4 * 4);
    assert!(
        (6 * 70..6 * 100).contains(&sheet.height()),
        "{:?}",
        sheet.dimensions()
    );
    let cam = picture(&out.path().join("cam.png"));
    assert_eq!(cam.dimensions(), (448, 297));
    assert!(cam.pixels().any(|pixel| pixel != cam.get_pixel(0, 0)));
}

#[test]
fn features_draws_the_layers_asked_for() {
    let [narrow, wide] = [folder(), folder()];
    for (out, layers) in [(&narrow, "relu1_1"), (&wide, "relu1_1,pool3,conv4_2")] {
        let mut command = example("features");
        command
            .arg(photograph("coffee.jpg"))
            .args(NARROW)
            .args(["--side", "64"]);
        succeeds(command.args(["--layers", layers, "--out"]).arg(out.path()));
    }
    let height = |out: &tempfile::TempDir| picture(&out.path().join("maps.png")).height();
    assert!(height(&wide) > 2 * height(&narrow));
}

#[test]
fn style_comes_nearer_to_the_style() {
    let out = folder();
    let mut command = example("style");
    command.arg("--content").arg(photograph("chelsea.jpg"));
    command
        .arg("--style")
        .arg(photograph("coffee.jpg"))
        .args(NARROW);
    command.args([
        "--side", "64", "--steps", "20", "--every", "10", "--lr", "0.05",
    ]);
    command.args([
        "--content-layers",
        "relu3_1",
        "--style-layers",
        "relu1_1,relu2_1",
    ]);
    let said = succeeds(command.arg("--out").arg(out.path()));
    let style_loss = |line: &str| -> f64 {
        let number = line
            .split("style ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        number
            .and_then(|number| number.parse().ok())
            .expect("a loss")
    };
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("step "))
        .collect();
    let (first, last) = (style_loss(lines[0]), style_loss(lines[lines.len() - 1]));
    assert!(last < 0.5 * first, "{first} … {last}");
    for name in ["step-10.png", "style.png"] {
        assert_eq!(
            picture(&out.path().join(name)).dimensions(),
            (64, 43),
            "{name}"
        );
    }
}

/// A folder of three classes of the shipped part of Fashion-MNIST, `each` images of a class.
fn clothes(folder: &Path, each: usize) {
    let options = DataOptions {
        shape: [1, 28, 28],
        skip_broken: false,
        stream: false,
        limit: None,
    };
    let data = data::load("embedded", &options, &mut |_, _| {}).expect("shipped");
    for (part, set, each) in [("train", &data.train, each), ("test", &data.test, 100)] {
        for class in [0, 1, 8] {
            let name = data.classes[class].replace('/', " or ");
            let folder = folder.join(part).join(name);
            fs::create_dir_all(&folder).expect("created");
            let of_class = (0..set.len()).filter(|&index| set.label(index) == class);
            for index in of_class.take(each) {
                let pixels = set.pixels(index).expect("in memory").into_owned();
                let image = GrayImage::from_raw(28, 28, pixels).expect("28×28");
                image
                    .save(folder.join(format!("{index}.png")))
                    .expect("saved");
            }
        }
    }
}

/// With `--nocapture`, shows what the README reports.
#[test]
fn finetune_learns_three_kinds_of_clothes_and_infer_knows_them() {
    let (images, out) = (folder(), folder());
    clothes(images.path(), 600);
    let run = out.path().join("run");
    let mut command = example("finetune");
    command
        .arg("--data")
        .arg(images.path())
        .arg("--out")
        .arg(&run);
    command.args([
        "--random-weights",
        "--model",
        "vgg16-bn-28",
        "--width",
        "0.125",
    ]);
    command.args(["--lr", "0.003", "--frozen-epochs", "1", "--epochs", "5"]);
    let start = std::time::Instant::now();
    let said = succeeds(&mut command);
    println!("{said}\n{:.0} s", start.elapsed().as_secs_f64());
    let last = said.lines().last().expect("a result");
    let accuracy = last
        .strip_prefix("test accuracy: ")
        .and_then(|rest| rest.split(' ').next());
    let accuracy: f64 = accuracy
        .and_then(|number| number.parse().ok())
        .expect("a number");
    assert!(accuracy >= 0.95, "{said}");

    // Frozen features are the same in both networks' first part: only the second changed them.
    let trouser = images.path().join("test/Trouser");
    let file = fs::read_dir(trouser)
        .expect("there")
        .next()
        .expect("an image")
        .expect("there");
    let mut infer = example("infer");
    infer
        .arg("--run")
        .arg(run.join("all"))
        .arg(file.path())
        .args(["--top", "1"]);
    let answer = succeeds(&mut infer);
    assert!(answer.contains("Trouser"), "{answer}");
}

#[test]
fn what_cannot_work_is_named() {
    let out = folder();
    let page = out.path().join("cat.jpg");
    fs::write(&page, "<!DOCTYPE html><html><body>404</body></html>").expect("written");
    let not_an_image = "cat.jpg: neither a PNG nor a JPEG, WebP";
    fails_with(example("features").arg(&page).args(NARROW), not_an_image);
    let mut style = example("style");
    style
        .arg("--content")
        .arg(&page)
        .arg("--style")
        .arg(photograph("coffee.jpg"));
    fails_with(style.args(NARROW), not_an_image);

    let cat = photograph("chelsea.jpg");
    let mut unknown = example("features");
    unknown
        .arg(&cat)
        .args(NARROW)
        .args(["--layers", "relu1_1,conv9_9"]);
    fails_with(
        &mut unknown,
        "no layer \"conv9_9\"; its layers are conv1_1, relu1_1, pool1",
    );
    fails_with(
        example("features").arg(&cat),
        "vgg16 needs weights: --pretrained downloads",
    );
    fails_with(
        example("features")
            .arg(out.path().join("none.png"))
            .args(NARROW),
        "none.png",
    );
    let mut class = example("features");
    class
        .arg(&cat)
        .args(NARROW)
        .args(["--side", "64", "--class", "1000", "--out"]);
    fails_with(
        class.arg(out.path()),
        "1000 classes, numbered from 0; found class 1000",
    );
    let mut small = example("features");
    small.arg(&cat).args(NARROW).args(["--side", "40", "--out"]);
    fails_with(small.arg(out.path()), "does not survive 5 poolings");

    let empty = folder();
    let mut finetune = example("finetune");
    finetune.args(NARROW).arg("--data").arg(empty.path());
    fails_with(&mut finetune, "neither one folder of images a class");
    fs::create_dir(empty.path().join("cats")).expect("created");
    fs::write(empty.path().join("cats/page.png"), "<html>").expect("written");
    fails_with(&mut finetune, "page.png: neither a PNG nor a JPEG, WebP");
}

/// A file as torchvision's, which says nothing of its network, with a head for 37 classes.
fn foreign_weights(path: &Path) {
    let mut config = VggConfig::named("vgg11").expect("known").with_width(0.125);
    config.classes = 37;
    let device = vgg::device("flex").expect("always there");
    let network = config.init(&device).expect("valid");
    network.save(path, Precision::F32, &[]).expect("saved");
    let bytes = fs::read(path).expect("written");
    let tensors = SafeTensors::deserialize(&bytes).expect("valid");
    let plain = serialize(tensors.iter(), None).expect("serialised");
    fs::write(path, plain).expect("written");
}

#[test]
fn a_head_of_other_classes_is_left_out_on_request() {
    let out = folder();
    let weights = out.path().join("flowers.safetensors");
    foreign_weights(&weights);
    let features = || {
        let mut command = example("features");
        command.arg(photograph("coffee.jpg")).arg("--weights");
        command.arg(&weights).args(&NARROW[1..]);
        command.args(["--side", "64", "--out"]).arg(out.path());
        command
    };
    // As it is, it has numbers for names.
    let said = succeeds(features().args(["--class", "36"]));
    assert!(said.contains("class 36 (36)"), "{said}");
    fails_with(
        features().args(["--class", "37"]),
        "37 classes, numbered from 0; found class 37",
    );
    succeeds(features().args(["--new-head", "5", "--class", "4"]));
    fails_with(
        features().args(["--new-head", "5", "--class", "5"]),
        "5 classes, numbered from 0; found class 5",
    );
}

#[test]
fn a_plain_colour_is_no_trouble() {
    let out = folder();
    let plain = out.path().join("plain.png");
    RgbImage::from_pixel(40, 40, Rgb([9, 9, 9]))
        .save(&plain)
        .expect("saved");
    let mut command = example("features");
    command
        .arg(&plain)
        .args(NARROW)
        .args(["--side", "64", "--out"])
        .arg(out.path());
    succeeds(&mut command);
}
