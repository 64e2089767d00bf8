//! The forward pass of each family, for inference and as in training.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use vgg::Vgg;

use crate::Side;
use crate::common::{largest, tensors, values};
use crate::golden::{images, own, path};

/// Networks with stored images: 40×56, 32×32, 64×33, 32×32, 32×32 and 28×28.
const NETWORKS: [&str; 7] = [
    "vgg11-imagenet",
    "vgg13-imagenet",
    "vgg16-bn-imagenet",
    "vgg13-cifar",
    "vgg19-bn-cifar",
    "vgg16-28",
    "vgg16-bn-28",
];
const CLASSES: usize = 10;

/// Batches of 1, 3 and 16 of the stored images, taken in turn.
pub(crate) fn logits(side: Side) {
    let device = side.device();
    for name in NETWORKS {
        let expected = tensors(&path(&format!("{name}.expected")));
        let stored = images(&expected, &device);
        let count = stored.dims()[0];
        let (_, golden) = &expected["logits"];
        for engine in side.engines() {
            let network = Vgg::from_file(path(name), &device)
                .expect("golden weights")
                .with_engine(engine);
            for batch in [1, 3, 16] {
                let turn = Tensor::<1, Int>::arange(0..batch as i64, &device) % count as i64;
                let logits = network.forward(stored.clone().select(0, turn));
                let golden: Vec<f32> = (0..batch)
                    .flat_map(|index| &golden[index % count * CLASSES..][..CLASSES])
                    .copied()
                    .collect();
                let what = format!("{name}, batch {batch}, {engine}");
                let found = values(logits.expect("fits"));
                side.assert_close(&what, &found, &golden, largest(&golden));
            }
        }
    }
}

/// 19 layers at 224×224.
pub(crate) fn logits_at_full_size(side: Side) {
    let (name, device) = ("vgg19-imagenet", side.device());
    let expected = tensors(&path(&format!("{name}.expected")));
    let (_, golden) = &expected["logits"];
    for engine in side.engines() {
        let network = Vgg::from_file(path(name), &device)
            .expect("golden weights")
            .with_engine(engine);
        let found = values(network.forward(images(&expected, &device)).expect("fits"));
        let what = format!("{name}, {engine}");
        side.assert_close(&what, &found, golden, largest(golden));
    }
}

/// Normalised by the batch's statistics, which move the running ones.
pub(crate) fn batch_norm_in_training(side: Side) {
    let device = side.device().autodiff();
    for name in NETWORKS.into_iter().filter(|name| name.contains("-bn-")) {
        let expected = tensors(&path(&format!("{name}.expected")));
        let (_, golden) = &expected["train.logits"];
        for engine in side.engines() {
            let network = Vgg::from_file(path(name), &device)
                .expect("golden weights")
                .with_engine(engine)
                .train();
            let found = values(network.forward(images(&expected, &device)).expect("fits"));
            let what = format!("{name} in training, {engine}");
            side.assert_close(&what, &found, golden, largest(golden));

            let own = own(&network.valid());
            let running = expected.iter().filter_map(|(key, (_, golden))| {
                let key = key.strip_prefix("train.")?;
                key.contains("running").then_some((key, golden))
            });
            let mut compared = 0;
            for (key, golden) in running {
                let what = format!("{name} {key}, {engine}");
                side.assert_close(&what, &own[key].1, golden, largest(golden));
                compared += 1;
            }
            assert!(compared > 0, "{name} has running statistics");
        }
    }
}
