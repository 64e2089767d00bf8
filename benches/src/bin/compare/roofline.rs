//! The roofline of a profile: one point for each layer below the roofs of memory and arithmetic.

use crate::profile::{Layer, Profile};
use crate::svg::{Coloured, Logarithmic, WIDTH, document, escape, line, text};

const HEIGHT: f64 = 580.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 100.0;
const BOTTOM: f64 = HEIGHT - 60.0;

/// FLOP for each byte from left to right, FLOP/s from the bottom up.
struct Axes {
    x: Logarithmic,
    y: Logarithmic,
}

impl Axes {
    fn around(profile: &Profile) -> Self {
        let intensities = drawn(profile).map(Layer::intensity);
        let speeds = drawn(profile).map(Layer::gflops);
        let highest = profile.peaks.gflops * 1.2;
        Self {
            x: Logarithmic::around(intensities.chain([ridge(profile)]), [LEFT, RIGHT]),
            y: Logarithmic::around(speeds.chain([highest]), [BOTTOM, TOP]),
        }
    }
}

/// The layers that compute anything.
fn drawn(profile: &Profile) -> impl Iterator<Item = &Layer> {
    profile.layers.iter().filter(|layer| layer.gflops() > 0.0)
}

/// The intensity from which on arithmetic is the lower roof.
fn ridge(profile: &Profile) -> f64 {
    profile.peaks.gflops / profile.peaks.gigabytes_per_second
}

pub(crate) fn roofline(profile: &Profile) -> String {
    let axes = Axes::around(profile);
    let mut kinds = Coloured::default();
    let points: String = drawn(profile)
        .map(|layer| {
            let colour = kinds.colour(&layer.kind);
            point(layer, profile.sum(), &axes, colour)
        })
        .collect();
    let body = head(profile) + &grid(&axes) + &roofs(profile, &axes) + &points + &legend(&kinds);
    document(&title(profile), &body, HEIGHT)
}

fn title(profile: &Profile) -> String {
    format!("Roofline of {}", profile.title())
}

fn head(profile: &Profile) -> String {
    let times = format!(
        "All layers {:.1} ms, the forward pass in one piece {:.1} ms. A point is a layer, the larger \
         the longer it takes",
        profile.sum(),
        profile.whole_ms
    );
    text(16.0, 28.0, "class=\"name\"", &title(profile))
        + &text(16.0, 48.0, "class=\"sub\"", &profile.machine)
        + &text(16.0, 66.0, "class=\"sub\"", &times)
}

fn grid(axes: &Axes) -> String {
    let mut body = String::new();
    for value in axes.x.decades() {
        let (x, label) = (axes.x.place(value), value.to_string());
        let below = "text-anchor=\"middle\" class=\"sub\"";
        body += &line([x, TOP, x, BOTTOM], "#e4e4e4");
        body += &text(x, BOTTOM + 18.0, below, &label);
    }
    for value in axes.y.decades() {
        let (y, label) = (axes.y.place(value), value.to_string());
        let beside = "text-anchor=\"end\" class=\"sub\"";
        body += &line([LEFT, y, RIGHT, y], "#e4e4e4");
        body += &text(LEFT - 8.0, y + 4.0, beside, &label);
    }
    let middle = (LEFT + RIGHT) / 2.0;
    body + &text(middle, HEIGHT - 16.0, "text-anchor=\"middle\"", "FLOP/byte")
        + &text(LEFT, TOP - 10.0, "text-anchor=\"end\"", "GFLOP/s")
}

/// The line of memory up to the ridge, and that of arithmetic from there.
fn roofs(profile: &Profile, axes: &Axes) -> String {
    let (Axes { x, y }, peaks, ridge) = (axes, profile.peaks, ridge(profile));
    let memory = |intensity: f64| y.place(intensity * peaks.gigabytes_per_second);
    let start = x.least.max(y.least / peaks.gigabytes_per_second);
    let (middle, top) = ((start * ridge).sqrt(), y.place(peaks.gflops));
    format!(
        "<polyline points=\"{:.1},{:.1} {:.1},{top:.1} {RIGHT},{top:.1}\" fill=\"none\" \
         stroke=\"#222\" stroke-width=\"2\"/>\n",
        x.place(start),
        memory(start),
        x.place(ridge),
    ) + &text(
        RIGHT - 4.0,
        top - 8.0,
        "text-anchor=\"end\"",
        &format!("arithmetic: {:.0} GFLOP/s", peaks.gflops),
    ) + &text(
        x.place(middle) + 10.0,
        memory(middle) + 14.0,
        "",
        &format!("memory: {:.0} GB/s", peaks.gigabytes_per_second),
    )
}

/// A layer; a larger point takes more of the time `whole`.
fn point(layer: &Layer, whole: f64, axes: &Axes, colour: &str) -> String {
    let radius = 3.0 + 14.0 * (layer.milliseconds / whole).sqrt();
    format!(
        "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{colour}\" fill-opacity=\"0.65\" \
         stroke=\"#fff\"><title>{}: {:.2} ms, {:.1} GFLOP/s, {:.1} FLOP/byte</title></circle>\n",
        axes.x.place(layer.intensity()),
        axes.y.place(layer.gflops()),
        escape(&layer.path),
        layer.milliseconds,
        layer.gflops(),
        layer.intensity(),
    )
}

fn legend(kinds: &Coloured) -> String {
    let entries = kinds.all().enumerate().map(|(index, (kind, colour))| {
        let y = TOP + 14.0 + 20.0 * index as f64;
        let (x, dot) = (LEFT + 18.0, y - 4.0);
        format!("<circle cx=\"{x:.1}\" cy=\"{dot:.1}\" r=\"6\" fill=\"{colour}\"/>\n")
            + &text(LEFT + 32.0, y, "", kind)
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile_text::tests::profile;

    #[test]
    fn the_picture_holds_layers_roofs_and_the_machine() {
        let picture = roofline(&profile());
        for part in [
            "blocks.0",
            "arithmetic: 100 GFLOP/s",
            "memory: 20 GB/s",
            "convolution",
            "Zen 3",
        ] {
            assert!(picture.contains(part), "{part}");
        }
        assert!(!picture.contains("NaN") && !picture.contains("inf"));
    }
}
