//! Classify, train on a folder, train on data of one's own, look at features, count costs.

use std::error::Error;
use std::path::Path;

use vgg::burn::nn::conv::Conv2dConfig;
use vgg::burn::tensor::Device;
use vgg::data::{FASHION_MNIST_CLASSES, ImageData, ImageSet};
use vgg::train::{OptimizerKind, TrainConfig, fit};
use vgg::{BlockConfig, Classifier, VggConfig, cost};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args()
        .nth(1)
        .ok_or("which folder may be written to?")?;
    offline(Path::new(&folder))?;
    // Half a gigabyte is downloaded.
    if let Some(picture) = std::env::args().nth(2) {
        println!("{}", published(&picture, &vgg::device("flex")?)?);
    }
    Ok(())
}

fn offline(folder: &Path) -> Result<(), Box<dyn Error>> {
    let device = vgg::device("flex")?;
    let summary = own_data(&folder.join("own"), &device)?;
    println!("own data: {summary:.2} of the test images");
    let shirt = pictures(&folder.join("clothes"))?;
    println!("a folder: {}", a_folder(folder, &shirt, &device)?);
    println!("features: {:?}", features(&shirt, &device)?);
    println!("{}", costs(&device)?);
    Ok(())
}

fn published(picture: &str, device: &Device) -> Result<String, Box<dyn Error>> {
    let answer = Classifier::pretrained("vgg16", device)?.classify(picture)?;
    Ok(format!("{:?}", answer.top(5)))
}

fn a_folder(folder: &Path, picture: &Path, device: &Device) -> Result<String, Box<dyn Error>> {
    let run = folder.join("run");
    let model = VggConfig::named("vgg11-cifar")?.with_width(0.125);
    let data = ImageData::from_folder(folder.join("clothes"), [1, 32, 32])?;
    let settings = TrainConfig::new(OptimizerKind::AdamW, 1e-3).with_epochs(2);
    fit(&run, model, data, settings, device)?;
    let classifier = Classifier::from_file(run.join("weights.safetensors"), device)?;
    Ok(classifier.classify(picture)?.top(1)[0].class.to_owned())
}

fn own_data(run: &Path, device: &Device) -> Result<f64, Box<dyn Error>> {
    let spot = |at: usize| (0..64).map(move |pixel| u8::from(pixel == at) * 255);
    let set = |places: Vec<usize>| {
        let pixels: Vec<u8> = places.iter().flat_map(|&at| spot(at)).collect();
        let labels: Vec<u16> = places.iter().map(|&at| u16::from(at >= 32)).collect();
        ImageSet::new([1, 8, 8], pixels, labels)
    };
    let classes = vec!["above".to_owned(), "below".to_owned()];
    let data = ImageData::new(set((0..64).collect())?, set(vec![3, 40])?, classes, false);
    let settings = TrainConfig::new(OptimizerKind::Sgd, 0.05)
        .with_epochs(8)
        .with_batch_size(8);
    let model = VggConfig::named("vgg11-cifar")?.with_blocks(vec![BlockConfig::new(1, 16)]);
    Ok(fit(run, model, data, settings, device)?.test_accuracy)
}

fn features(picture: &Path, device: &Device) -> Result<[usize; 4], Box<dyn Error>> {
    let clothes = Classifier::shipped(device)?;
    let photograph = clothes.photograph(picture, 60)?;
    let maps = clothes
        .network()
        .forward_at(photograph, &["relu3_2".parse()?])?;
    Ok(maps[0].dims())
}

fn costs(device: &Device) -> Result<String, Box<dyn Error>> {
    let module = Conv2dConfig::new([3, 64], [3, 3]).init(device);
    let analysis = cost::analyse(&module, |module, inputs| {
        module.forward(inputs.float([1, 3, 224, 224]))
    })?;
    Ok(analysis.report(&cost::Options::default()).to_table())
}

/// Two classes of the shipped images as a folder of pictures; gives one of them.
fn pictures(folder: &Path) -> Result<std::path::PathBuf, Box<dyn Error>> {
    let options = vgg::data::DataOptions {
        shape: [1, 28, 28],
        skip_broken: false,
        stream: false,
        limit: None,
    };
    let set = vgg::data::load("embedded", &options, &mut |_, _| {})?.train;
    let mut last = None;
    for index in 0..400 {
        let class = FASHION_MNIST_CLASSES[set.label(index)];
        if !matches!(class, "Trouser" | "Bag") {
            continue;
        }
        let path = folder.join(class).join(format!("{index}.bmp"));
        std::fs::create_dir_all(folder.join(class))?;
        std::fs::write(&path, bmp(&set.pixels(index)?))?;
        last = Some(path);
    }
    Ok(last.ok_or("no pictures")?)
}

/// 28×28 grey pixels as a BMP file.
fn bmp(pixels: &[u8]) -> Vec<u8> {
    const HEADERS: u32 = 14 + 40;
    const SIDE: u32 = 28;
    let rows = pixels.chunks_exact(SIDE as usize).rev();
    let colours: Vec<u8> = rows.flatten().flat_map(|&grey| [grey; 3]).collect();
    let mut file = b"BM".to_vec();
    for word in [
        HEADERS + colours.len() as u32,
        0,
        HEADERS,
        40,
        SIDE,
        SIDE,
        1 | 24 << 16,
    ] {
        file.extend(word.to_le_bytes());
    }
    file.extend([0; 24]);
    file.extend(colours);
    file
}

#[test]
fn all_but_the_download_works() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("vgg-outside-{}", std::process::id()));
    let result = offline(&folder);
    std::fs::remove_dir_all(&folder)?;
    result
}
