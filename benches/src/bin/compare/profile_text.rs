//! A profile as text.

use std::error::Error;

use cost::render::Format;

use crate::profile::Profile;
use crate::roofline::roofline;

pub(crate) fn render(profile: &Profile, format: Format) -> Result<String, Box<dyn Error>> {
    Ok(match format {
        Format::Table => table(profile),
        Format::Csv => csv(profile),
        Format::Json => serde_json::to_string_pretty(profile)? + "\n",
        Format::Svg => roofline(profile),
        Format::Markdown => format!("```\n{}```\n", table(profile)),
    })
}

/// At most 80 columns wide.
fn table(profile: &Profile) -> String {
    let peaks = &profile.peaks;
    let mut text = format!(
        "{}\n{}\nat most {:.0} GFLOP/s, {:.1} GB/s\n\n\
         {:<22} {:<13} {:>8} {:>6} {:>7} {:>5} {:>6} bound\n",
        profile.title(),
        profile.machine,
        peaks.gflops,
        peaks.gigabytes_per_second,
        "layer",
        "kind",
        "ms",
        "share",
        "GFLOP/s",
        "GB/s",
        "FLOP/B",
    );
    for layer in &profile.layers {
        let share = layer.milliseconds / profile.sum() * 100.0;
        // The whole word would be too wide.
        let bound = layer.bound(peaks).replace("arithmetic", "arith.");
        text += &format!(
            "{:<22} {:<13} {:>8.3} {:>6} {:>7.1} {:>5.1} {:>6.1} {bound}\n",
            layer.path,
            layer.kind,
            layer.milliseconds,
            format!("{share:.1}%"),
            layer.gflops(),
            layer.gigabytes_per_second(),
            layer.intensity(),
        );
    }
    let (sum, whole) = (profile.sum(), profile.whole_ms);
    text += &format!(
        "\nsum of the layers {sum:.2} ms, whole forward pass {whole:.2} ms: {:+.1} %\n",
        (sum / whole - 1.0) * 100.0
    );
    text
}

fn csv(profile: &Profile) -> String {
    let mut text =
        String::from("path,kind,ms,flops,bytes,gflops,gigabytes_per_second,flops_per_byte,bound\n");
    for layer in &profile.layers {
        text += &format!(
            "{},{},{},{},{},{},{},{},{}\n",
            layer.path,
            layer.kind,
            layer.milliseconds,
            layer.flops,
            layer.bytes,
            layer.gflops(),
            layer.gigabytes_per_second(),
            layer.intensity(),
            layer.bound(&profile.peaks),
        );
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use benches::Peaks;

    use super::*;
    use crate::profile::Layer;

    pub(crate) fn profile() -> Profile {
        let layer = |path: &str, kind: &str, flops, bytes| Layer {
            path: path.into(),
            kind: kind.into(),
            milliseconds: 1.5,
            flops,
            bytes,
        };
        Profile {
            machine: "AMD family 25 model 1 (Zen 3), 2 threads, AVX2".into(),
            model: "vgg16".into(),
            batch: 1,
            backend: "flex".into(),
            engine: "burn".into(),
            peaks: Peaks {
                gflops: 100.0,
                gigabytes_per_second: 20.0,
            },
            layers: vec![
                layer(
                    "blocks.0.layers.0.conv",
                    "convolution",
                    90_000_000,
                    1_000_000,
                ),
                layer(
                    "blocks.0.layers.0.norm",
                    "normalisation",
                    1_000_000,
                    8_000_000,
                ),
                layer("blocks.0.flatten", "other", 0, 0),
            ],
            whole_ms: 4.0,
        }
    }

    #[test]
    fn tables_fit_80_columns() {
        let text = table(&profile());
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest.is_some_and(|width| width <= 80), "{text}");
        assert!(text.contains("+12.5 %"), "{text}");
    }

    #[test]
    fn the_lower_roof_binds() {
        let text = csv(&profile());
        let bounds: Vec<_> = text
            .lines()
            .skip(1)
            .filter_map(|line| line.rsplit(',').next())
            .collect();
        assert_eq!(bounds, ["arithmetic", "memory", "memory"]);
    }
}
