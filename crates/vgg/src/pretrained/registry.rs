//! Which weights are published, and what is known of them.
//!
//! Facts are torchvision's (`torchvision/models/vgg.py`, version 0.29: addresses, sizes, accuracy
//! on ImageNet's validation images) and timm's (`timm/models/vgg.py`, version 1.0). torchvision puts
//! the first digits of a file's SHA-256 into its name.

use crate::data::Preprocessing;
use crate::weights::Part;

/// Where most files lie.
const TORCHVISION: &str = "https://download.pytorch.org/models";
const VGG: &str = "Simonyan and Zisserman: Very Deep Convolutional Networks for Large-Scale Image \
                   Recognition, 2014, https://arxiv.org/abs/1409.1556";
const SSD: &str = "Liu et al.: SSD: Single Shot MultiBox Detector, 2015, \
                   https://arxiv.org/abs/1512.02325 (weights ported from \
                   https://github.com/amdegroot/ssd.pytorch)";

/// Published weights of one network.
#[derive(Debug, Clone, PartialEq)]
pub struct PretrainedWeights {
    /// What they are called here.
    pub name: String,
    /// The network, as [`VggConfig::named`](crate::VggConfig::named) knows it.
    pub network: String,
    /// Which part of the network they are good for.
    pub part: Part,
    /// Where the file is.
    pub address: String,
    /// Its size in MiB, as published.
    pub mebibytes: Option<f64>,
    /// The first hexadecimal digits of the SHA-256 of its contents, as many as are published.
    pub sha256: Option<&'static str>,
    /// Part of ImageNet's 50,000 validation images whose class is the most probable one, in
    /// percent.
    pub top1: Option<f64>,
    /// The same for the five most probable classes.
    pub top5: Option<f64>,
    /// What is done to an image first.
    pub preprocessing: Preprocessing,
    /// The licence that they are published under.
    pub licence: &'static str,
    /// What to cite.
    pub citation: &'static str,
}

/// Depth, normalisation, digits of the hash, MiB, top-1, top-5.
type Row = (u8, bool, &'static str, f64, f64, f64);

const ROWS: [Row; 8] = [
    (11, false, "8a719046", 506.84, 69.020, 88.628),
    (11, true, "6002323d", 506.881, 70.370, 89.810),
    (13, false, "19584684", 507.545, 69.928, 89.246),
    (13, true, "abd245e5", 507.59, 71.586, 90.374),
    (16, false, "397923af", 527.796, 71.592, 90.382),
    (16, true, "6c64b313", 527.866, 73.360, 91.516),
    (19, false, "dcbb9e9d", 548.051, 72.376, 90.876),
    (19, true, "c79401a0", 548.143, 74.218, 91.842),
];

/// All published weights that are known here: torchvision's under the names of the networks,
/// `vgg16-features`, and the same networks in timm's layout (`timm/vgg16.tv_in1k`).
pub fn pretrained_weights() -> Vec<PretrainedWeights> {
    let torchvision = ROWS.iter().map(torchvision);
    let timm = ROWS.iter().map(timm);
    torchvision.chain([features()]).chain(timm).collect()
}

fn torchvision(&(depth, norm, sha256, mebibytes, top1, top5): &Row) -> PretrainedWeights {
    let [dashed, file] = names(depth, norm);
    PretrainedWeights {
        name: dashed.clone(),
        network: dashed,
        part: Part::Whole,
        address: format!("{TORCHVISION}/{file}-{sha256}.pth"),
        mebibytes: Some(mebibytes),
        sha256: Some(sha256),
        top1: Some(top1),
        top5: Some(top5),
        preprocessing: Preprocessing::imagenet(),
        licence: "BSD-3-Clause (torchvision)",
        citation: VGG,
    }
}

/// The network's name here and in torchvision.
fn names(depth: u8, norm: bool) -> [String; 2] {
    let (dash, underscore) = if norm { ("-bn", "_bn") } else { ("", "") };
    [
        format!("vgg{depth}{dash}"),
        format!("vgg{depth}{underscore}"),
    ]
}

/// The convolutions as the authors published them. The file's linear layers hold no numbers.
fn features() -> PretrainedWeights {
    PretrainedWeights {
        name: "vgg16-features".to_owned(),
        part: Part::Features,
        address: format!("{TORCHVISION}/vgg16_features-amdegroot-88682ab5.pth"),
        mebibytes: Some(527.802),
        sha256: Some("88682ab5"),
        top1: None,
        top5: None,
        preprocessing: Preprocessing::mean_subtracted(),
        citation: SSD,
        ..torchvision(&ROWS[4])
    }
}

/// The SHA-256 of timm's files, by their names, for those of which it is known: it is not published with timm, but
/// projects that pin what they load have it. That of vgg16 is in ferrotorch's `ferrotorch-hub/src/registry.rs` and,
/// the same, with another project's perceptual loss; that of vgg11 is in the former.
const TIMM: [(&str, &str); 2] = [
    (
        "vgg11",
        "682c023808812148d4e60c76d80ad83dbeaf5d50eb1a952a0b836895003151e5",
    ),
    (
        "vgg16",
        "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8",
    ),
];

/// timm's copies of torchvision's weights.
fn timm(row: &Row) -> PretrainedWeights {
    let [_, file] = names(row.0, row.1);
    let name = format!("timm/{file}.tv_in1k");
    PretrainedWeights {
        address: format!("https://huggingface.co/{name}/resolve/main/model.safetensors"),
        name,
        mebibytes: None,
        sha256: TIMM
            .iter()
            .find(|(name, _)| *name == file)
            .map(|(_, sha256)| *sha256),
        top1: None,
        top5: None,
        licence: "BSD-3-Clause (timm)",
        ..torchvision(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VggConfig;
    use std::collections::BTreeSet;

    #[test]
    fn sizes_and_checksums_belong_to_the_networks() {
        let all = pretrained_weights();
        assert_eq!(all.len(), 17);
        let names: BTreeSet<_> = all.iter().map(|weights| &weights.name).collect();
        assert_eq!(names.len(), 17);
        for weights in &all {
            let config = VggConfig::named(&weights.network).expect("a known network");
            assert_eq!(config.classes, 1000);
            // Four bytes a parameter and little else. The feature weights' file holds a head, too.
            let expected = config.parameter_count() as f64 * 4.0 / f64::from(1 << 20);
            if let Some(size) = weights.mebibytes {
                assert!(
                    (size - expected).abs() < 0.1,
                    "{}: {expected}",
                    weights.name
                );
            }
            if let Some(digits) = weights.sha256 {
                let expected = match weights.name.starts_with("timm/") {
                    true => 64,
                    false => {
                        assert!(weights.address.contains(&format!("-{digits}.pth")));
                        8
                    }
                };
                assert_eq!(digits.len(), expected);
                assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            }
        }
    }
}
