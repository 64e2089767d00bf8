//! Shows what a network sees in a picture: feature maps on a contact sheet, and which part of the
//! picture speaks for a class.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use burn::tensor::Tensor;
use clap::Parser;
use examples::network::{NetworkOptions, Opened};
use examples::{font, picture, values};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use vgg::{Classifier, FeatureLayer};

/// Show what a network sees in a picture.
///
/// Writes two PNG files: maps.png, a row of feature maps for each layer, those channels that vary
/// most, each from its lowest value (dark) to its highest (light); and cam.png, the picture with
/// the heat map of Grad-CAM over it: what speaks for a class.
#[derive(Parser)]
#[command(version, after_help = EXAMPLES)]
struct Options {
    /// A picture: PNG, JPEG, WebP, BMP, GIF or TIFF
    image: PathBuf,

    #[command(flatten)]
    network: NetworkOptions,

    /// Look through the small network that is shipped; it knows ten kinds of clothes
    #[arg(long, conflicts_with_all = ["weights", "pretrained", "random_weights"])]
    shipped: bool,

    /// Layers on the contact sheet, such as conv1_1,relu3_3,pool5 [default: the last of each
    /// resolution]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    layers: Vec<String>,

    /// Feature maps in a row
    #[arg(long, value_name = "N", default_value_t = 8)]
    maps: usize,

    /// The class of the heat map, by its number [default: the most probable]
    #[arg(long, value_name = "N")]
    class: Option<usize>,

    /// The layer of the heat map [default: the last ReLU]
    #[arg(long, value_name = "NAME")]
    cam_layer: Option<String>,

    /// Scale the longer side of the picture to so many pixels [default: what the network is for]
    #[arg(long, value_name = "N")]
    side: Option<usize>,

    /// Where the files go
    #[arg(long, value_name = "DIR", default_value = "features")]
    out: PathBuf,

    /// What computes: flex, or a backend that was compiled in
    #[arg(long, value_name = "NAME", default_value = "flex")]
    backend: String,
}

const EXAMPLES: &str = "\
Examples:
  features cat.png --weights vgg16.pth
  features cat.png --weights vgg16.pth --layers relu1_1,relu1_2,pool1 --maps 12
  features shirt.png --shipped --cam-layer relu2_2
  features cat.png --random-weights";

/// Pixels of a tile's longer side, of the gap between tiles, and of a label's pixel.
const TILE: u32 = 96;
const GAP: u32 = 4;
const LETTER: u32 = 2;
/// The longer side of the heat map's picture.
const CAM_SIDE: u32 = 448;
/// Characters of a class's name.
const LONGEST_NAME: usize = 60;
/// How much of the heat map's picture is heat where that is highest.
const OPACITY: f32 = 0.75;

fn main() -> ExitCode {
    console::code(run(&Options::parse()))
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let device = vgg::device(&options.backend)?;
    let opened: Opened = if options.shipped {
        Classifier::shipped(&device)?.into()
    } else {
        options.network.open(&device)?
    };
    let config = opened.network.config();
    let layers = match options.layers.is_empty() {
        true => config.pyramid_layers(),
        false => {
            let named = options.layers.iter().map(|name| config.feature_layer(name));
            named.collect::<Result<_, _>>()?
        }
    };
    let cam_layer = options
        .cam_layer
        .as_deref()
        .map(|name| config.feature_layer(name));
    let cam_layer = cam_layer.transpose()?;

    let side = options
        .side
        .unwrap_or(config.input_size[0].max(config.input_size[1]));
    let original = picture::read(&options.image, config.input_channels, side, &device)?;
    let image = opened.input(original.clone());

    let maps = opened.network.forward_at(image.clone(), &layers)?;
    let rows = layers
        .iter()
        .zip(maps)
        .map(|(&layer, map)| Row::new(layer, map, options.maps));
    let rows: Vec<Row> = rows.collect::<Result<_, _>>()?;
    let path = options.out.join("maps.png");
    picture::save(&sheet(&rows), &path)?;
    console::say!("{} layers: {}", rows.len(), path.display());

    if opened.headless {
        console::say!("no heat map: these weights tell no classes apart");
        return Ok(());
    }
    // An answer that is no number is an error, whichever class is asked for.
    let best = most_probable(opened.network.probabilities(image.clone())?)?;
    let class = options.class.unwrap_or(best);
    let heat = opened.network.grad_cam(image, class, cam_layer)?;
    let path = options.out.join("cam.png");
    picture::save(&overlay(original, heat)?, &path)?;
    let name = opened.classes.as_ref().and_then(|names| names.get(class));
    let name = name.map_or(String::new(), |name| {
        format!(" ({})", console::printable(name, LONGEST_NAME))
    });
    console::say!("what speaks for class {class}{name}: {}", path.display());
    Ok(())
}

fn most_probable(probabilities: Tensor<2>) -> Result<usize, Box<dyn Error>> {
    let values = values(probabilities)?;
    let best = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
    best.ok_or_else(|| "the network has no classes".into())
}

/// One layer on the contact sheet.
struct Row {
    label: [String; 2],
    /// Width of a map.
    width: usize,
    /// Values 0 to 1 of the maps that are shown.
    maps: Vec<Vec<f32>>,
}

impl Row {
    /// The `count` channels that vary most.
    fn new(layer: FeatureLayer, map: Tensor<4>, count: usize) -> Result<Self, Box<dyn Error>> {
        let [_, channels, height, width] = map.dims();
        let values = values(map)?;
        let variance = |map: &[f32]| {
            let mean = map.iter().sum::<f32>() / map.len() as f32;
            map.iter().map(|value| (value - mean).powi(2)).sum::<f32>()
        };
        let mut maps: Vec<_> = values.chunks_exact(height * width).collect();
        maps.sort_by(|a, b| variance(b).total_cmp(&variance(a)));
        maps.truncate(count);
        Ok(Self {
            label: [layer.to_string(), format!("{channels}×{height}×{width}")],
            width,
            maps: maps.into_iter().map(stretched).collect(),
        })
    }
}

/// Values from 0 for the lowest to 1 for the highest.
fn stretched(map: &[f32]) -> Vec<f32> {
    let lowest = map.iter().copied().fold(f32::INFINITY, f32::min);
    let highest = map.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let range = (highest - lowest).max(f32::MIN_POSITIVE);
    map.iter().map(|value| (value - lowest) / range).collect()
}

/// All rows, each with its label over it.
fn sheet(rows: &[Row]) -> RgbImage {
    let label = 5 * LETTER + 2 * GAP;
    let tiles: Vec<Vec<RgbImage>> = rows
        .iter()
        .map(|row| row.maps.iter().map(|map| tile(map, row.width)).collect())
        .collect();
    let height_of = |row: &Vec<RgbImage>| row.first().map_or(0, |tile| tile.height());
    let width_of = |row: &Vec<RgbImage>| row.iter().map(|tile| tile.width() + GAP).sum::<u32>();
    let width = tiles.iter().map(width_of).max().unwrap_or(0) + GAP;
    let height: u32 = tiles.iter().map(|row| height_of(row) + label).sum();
    let mut sheet = RgbImage::from_pixel(width.max(200), height + GAP, Rgb([255; 3]));
    let mut y = 0;
    for (row, tiles) in rows.iter().zip(&tiles) {
        let [name, shape] = &row.label;
        let right = GAP + (name.chars().count() as u32 + 1) * font::ADVANCE * LETTER;
        font::write(&mut sheet, name, [GAP, y + GAP], LETTER, Rgb([0; 3]));
        font::write(&mut sheet, shape, [right, y + GAP], LETTER, Rgb([140; 3]));
        y += label;
        let mut x = GAP;
        for tile in tiles {
            imageops::replace(&mut sheet, tile, x.into(), y.into());
            x += tile.width() + GAP;
        }
        y += height_of(tiles);
    }
    sheet
}

/// A map in colours, its pixels enlarged without smoothing.
fn tile(map: &[f32], width: usize) -> RgbImage {
    let height = map.len() / width;
    let colours = RgbImage::from_fn(width as u32, height as u32, |x, y| {
        picture::colour(map[y as usize * width + x as usize])
    });
    let [width, height] = scaled([width as u32, height as u32], TILE);
    let filter = match colours.width() > width {
        true => FilterType::Triangle,
        false => FilterType::Nearest,
    };
    imageops::resize(&colours, width, height, filter)
}

/// Width and height with the longer side of `longer` pixels.
fn scaled([width, height]: [u32; 2], longer: u32) -> [u32; 2] {
    let side = |length: u32| (length * longer / width.max(height)).max(1);
    [side(width), side(height)]
}

/// The picture with the heat map over it: as it was where nothing speaks for the class.
fn overlay(original: Tensor<4>, heat: Tensor<2>) -> Result<RgbImage, Box<dyn Error>> {
    let photograph = picture::picture(original)?;
    let [width, height] = scaled([photograph.width(), photograph.height()], CAM_SIDE);
    let photograph = imageops::resize(&photograph, width, height, FilterType::CatmullRom);
    let columns = heat.dims()[1];
    let heat = picture::grey(&values(heat)?, columns);
    let heat = imageops::resize(&heat, width, height, FilterType::CatmullRom);
    Ok(RgbImage::from_fn(width, height, |x, y| {
        let value = f32::from(heat.get_pixel(x, y)[0]) / 255.0;
        let (colour, opacity) = (picture::colour(value), OPACITY * value.sqrt());
        let pixel = photograph.get_pixel(x, y);
        Rgb([0, 1, 2].map(|channel| {
            let [below, above] = [pixel[channel], colour[channel]].map(f32::from);
            (below * (1.0 - opacity) + above * opacity).round() as u8
        }))
    }))
}
