//! Predicted memory against what an allocator counts on Flex.
//!
//! Inference is measured operation by operation, which tells apart what the backend takes for
//! copies of its own (see [`replay`]), and as a whole, where these are in it. A training step is
//! measured as a whole: the backend's copies are in what the allocator counts, and in what the
//! prediction may fall short of it.

#[path = "../zoo/convnext.rs"]
mod convnext;
#[path = "../zoo/densenet.rs"]
mod densenet;
#[path = "../zoo/mobilenet_v2.rs"]
mod mobilenet_v2;
#[path = "../zoo/parts.rs"]
#[allow(dead_code, reason = "not all networks of the zoo are measured")]
mod parts;
mod replay;
#[path = "../zoo/resnet18.rs"]
mod resnet18;
#[path = "../zoo/unet.rs"]
mod unet;
#[path = "../zoo/vit.rs"]
mod vit;

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Tensor};
use burn_capture::{CaptureBackend, CapturedGraph};
use cost::report::{MemoryReport, Report};
use cost::{Optimizer, Options, analyse};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that `run` takes above what is taken before it.
fn peak<T>(run: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let value = run();
    (value, MEMORY.peak_usage() - before)
}

/// A network that takes images and gives `D` dimensions.
struct Network<M, const D: usize> {
    name: &'static str,
    new: fn() -> M,
    forward: fn(&M, Tensor<4>) -> Tensor<D>,
    images: [usize; 4],
}

impl<M: Module + burn::module::ModuleDisplay, const D: usize> Network<M, D> {
    /// Holds predictions against measurements; the lines say what was found.
    fn measure(&self) -> [String; 2] {
        [self.inference(), self.training()]
    }

    fn report(&self, training: bool) -> Report {
        let options = Options::default().with_training(Optimizer::Adam);
        let analysis = match training {
            true => analyse(&(self.new)(), |network, inputs| {
                (self.forward)(network, inputs.float(self.images)).mean()
            }),
            false => analyse(&(self.new)(), |network, inputs| {
                (self.forward)(network, inputs.float(self.images)).reshape([-1])
            }),
        };
        analysis.expect("it runs").report(&options)
    }

    fn inference(&self) -> String {
        let predicted = self.report(false).inference;
        let device = Device::flex();
        let before = MEMORY.current_usage();
        let network = (self.new)();
        let forward = || (self.forward)(&network, Tensor::ones(self.images, &device));
        // The weights are drawn on first use; that is not what is measured.
        drop(forward());
        let weights = MEMORY.current_usage() - before;
        let (output, taken) = peak(forward);
        drop(output);
        let whole = weights + taken;
        let apart = replay::replay(self.capture(network));
        let fixed = predicted.parameters + predicted.buffers;
        within(self.name, &predicted, 0, apart);
        within(self.name, &predicted, fixed, apart);
        assert!(predicted.peak <= whole as u128, "{}", self.name);
        line(self.name, "inference", &predicted, whole) + &format!(", {apart} without copies")
    }

    fn capture(&self, network: M) -> CapturedGraph {
        let device = Device::capture();
        let captured = device.capture_scope(|scope| {
            let network = network.to_device(&device);
            let images = Tensor::ones(self.images, &Device::flex()).to_device(&device);
            let output = (self.forward)(&network, images);
            let output = output.try_into_primitive::<CaptureBackend>();
            scope.complete([], [output.expect("it is recorded").id()])
        });
        captured.expect("a recording")
    }

    fn training(&self) -> String {
        let predicted = self.report(true).training.expect("asked for").memory;
        let device = Device::flex().autodiff();
        let before = MEMORY.current_usage();
        let mut network = (self.new)().train();
        let mut optimizer = AdamConfig::new().init();
        let mut measured = 0;
        // The first step draws the weights and makes the optimizer's state.
        for _ in 0..2 {
            let resident = MEMORY.current_usage() - before;
            let (trained, step) = peak(|| {
                let images = Tensor::ones(self.images, &device);
                let loss = (self.forward)(&network.clone(), images).mean();
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                optimizer.step(0.01, network, gradients)
            });
            network = trained;
            measured = resident + step;
        }
        within(self.name, &predicted, 0, measured);
        line(self.name, "an Adam step", &predicted, measured)
    }
}

/// Asserts that without `fixed` bytes the prediction is at most what was measured, and at least
/// nine tenths of it.
fn within(name: &str, predicted: &MemoryReport, fixed: u128, measured: usize) {
    let (predicted, measured) = (predicted.peak - fixed, measured as u128 - fixed);
    let fits = predicted <= measured && 10 * predicted >= 9 * measured;
    assert!(
        fits,
        "{name}: {predicted} predicted, {measured} measured, {fixed} left out"
    );
}

fn line(name: &str, what: &str, predicted: &MemoryReport, measured: usize) -> String {
    let fixed = predicted.parameters + predicted.buffers + predicted.optimizer;
    let ratio = |fixed: u128| (predicted.peak - fixed) as f64 / (measured as u128 - fixed) as f64;
    format!(
        "{name}, {what}: {} predicted, {measured} measured: {:.3}, beside the weights {:.3}",
        predicted.peak,
        ratio(0),
        ratio(fixed),
    )
}

/// One test, as there is one allocator.
#[test]
fn predictions_are_at_most_ten_percent_below_an_allocator() {
    let resnet18 = Network {
        name: "ResNet-18",
        new: resnet18::ResNet18::new,
        forward: resnet18::ResNet18::forward,
        images: [4, 3, 96, 96],
    };
    let mobilenet = Network {
        name: "MobileNetV2",
        new: mobilenet_v2::MobileNetV2::new,
        forward: mobilenet_v2::MobileNetV2::forward,
        images: [4, 3, 96, 96],
    };
    let densenet = Network {
        name: "DenseNet-121",
        new: densenet::DenseNet121::new,
        forward: densenet::DenseNet121::forward,
        images: [2, 3, 96, 96],
    };
    let unet = Network {
        name: "U-Net",
        new: unet::UNet::new,
        forward: unet::UNet::forward,
        images: [2, 3, 64, 48],
    };
    let convnext = Network {
        name: "ConvNeXt-T",
        new: convnext::ConvNextTiny::new,
        forward: convnext::ConvNextTiny::forward,
        images: [1, 3, 160, 160],
    };
    let vit = Network {
        name: "ViT-B/16",
        new: vit::VisionTransformer::new,
        forward: vit::VisionTransformer::forward,
        images: [1, 3, 224, 224],
    };
    let lines = [
        resnet18.measure(),
        mobilenet.measure(),
        densenet.measure(),
        unet.measure(),
        convnext.measure(),
        vit.measure(),
    ];
    println!("{}", lines.concat().join("\n"));
}
