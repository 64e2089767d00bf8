//! Modules that are nested deeply, on small stacks. A process of its own: an overflow ends it.

use std::thread::{Builder, scope};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use cost::{Error, Options, analyse, analyse_init};

#[derive(Module, Debug)]
struct Level {
    layer: Option<Linear>,
    inner: Vec<Level>,
}

impl Level {
    /// So many levels, a layer in every tenth.
    fn chain(levels: usize, device: &Device) -> Self {
        let mut chain = Self {
            layer: None,
            inner: Vec::new(),
        };
        for level in 1..levels {
            let layer = (level % 10 == 0).then(|| LinearConfig::new(4, 4).init(device));
            chain = Self {
                layer,
                inner: vec![chain],
            };
        }
        chain
    }

    fn layers(&self) -> usize {
        let mut layers = 0;
        let mut level = Some(self);
        while let Some(here) = level {
            layers += usize::from(here.layer.is_some());
            level = here.inner.first();
        }
        layers
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let x = match &self.layer {
            Some(layer) => layer.forward(x),
            None => x,
        };
        self.inner.iter().fold(x, |x, inner| inner.forward(x))
    }
}

fn small(bytes: usize, run: impl FnOnce() + Send) {
    scope(|scope| {
        Builder::new()
            .stack_size(bytes)
            .spawn_scoped(scope, run)
            .expect("a thread")
            .join()
            .expect("it ends well");
    });
}

#[test]
fn a_thousand_levels() {
    for bytes in [256 << 10, 2 << 20] {
        small(bytes, || {
            let chain = |device: &Device| Level::chain(1000, device);
            let analysis = analyse_init(chain, |m, i| m.forward(i.float([1, 4]))).expect("it runs");
            let report = analysis.report(&Options::default());
            assert_eq!(report.total.cost, 99 * 16);
            assert!(report.rows.iter().any(|row| row.cost == 16));
        });
    }
}

#[test]
fn ten_thousand_levels_are_an_error() {
    // Even to drop it takes a large stack.
    small(64 << 20, || {
        let chain = Level::chain(10_000, &Device::flex());
        assert_eq!(chain.layers(), 999);
        small(256 << 10, || {
            let error = analyse(&chain, |m, i| m.forward(i.float([1, 4])));
            assert!(matches!(error, Err(Error::TooDeep { .. })), "{error:?}");
        });
    });
    small(256 << 10, || {
        let shallow = Level::chain(10, &Device::flex());
        let analysis = analyse(&shallow, |m, i| m.forward(i.float([1, 4])));
        assert!(analysis.is_ok(), "{analysis:?}");
    });
}
