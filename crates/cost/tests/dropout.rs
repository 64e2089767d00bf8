//! What a forward pass does in training alone.

use burn::module::Module;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, GaussianNoise, GaussianNoiseConfig,
    LayerNorm, LayerNormConfig, Linear, LinearConfig, Relu,
};
use burn::tensor::{Device, Tensor};
use cost::convention::FLOPS;
use cost::report::Report;
use cost::{Analysis, Optimizer, Options, Work, analyse, analyse_training};

fn device() -> Device {
    Device::flex()
}

fn report(analysis: &Analysis) -> Report {
    let options = Options::default().with_convention(FLOPS);
    analysis.report(&options.with_training(Optimizer::Adam))
}

#[derive(Module, Debug)]
struct Network {
    noise: GaussianNoise,
    first: Linear,
    norm: BatchNorm,
    relu: Relu,
    dropout: Dropout,
    attention: MultiHeadAttention,
    last: LayerNorm,
}

impl Network {
    fn new(probability: f64) -> Self {
        Self {
            noise: GaussianNoiseConfig::new(0.1).init(),
            first: LinearConfig::new(8, 16).init(&device()),
            norm: BatchNormConfig::new(5).init(&device()),
            relu: Relu::new(),
            dropout: DropoutConfig::new(probability).init(),
            attention: MultiHeadAttentionConfig::new(16, 2)
                .with_dropout(probability)
                .init(&device()),
            last: LayerNormConfig::new(16).init(&device()),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = self.norm.forward(self.first.forward(self.noise.forward(x)));
        let x = self.dropout.forward(self.relu.forward(x));
        let y = self.attention.forward(MhaInput::self_attn(x.clone()));
        self.last.forward(x + y.context)
    }
}

#[test]
fn dropout_and_noise_are_rows_of_the_step() {
    let network = Network::new(0.5);
    let analysis = analyse_training(&network, |n, i| n.forward(i.float([3, 5, 8])));
    let report = report(&analysis.expect("it runs"));
    assert!(report.uncounted.is_empty(), "{:?}", report.uncounted);
    let row = |path: &str| {
        let found = report.rows.iter().find(|row| row.path == path);
        found.unwrap_or_else(|| panic!("no row {path}"))
    };
    // Multiplied and scaled, forward and back; the noise's input needs no gradient.
    let values = 3 * 5 * 16;
    let dropout = row("dropout");
    assert_eq!((dropout.cost, dropout.training_cost), (0, 2 * values));
    assert_eq!(dropout.backward_cost, 2 * values);
    assert_eq!(row("noise").training_cost, 3 * 5 * 8);
    // The weights of attention: two heads of 5 × 5.
    assert_eq!(row("attention.dropout").training_cost, 2 * 3 * 2 * 25);
    let norm = row("norm");
    assert!(norm.training_cost > norm.cost);

    let step = report.training.as_ref().expect("asked for");
    let sum = |of: fn(&cost::report::Row) -> u128| report.rows.iter().map(of).sum::<u128>();
    assert_eq!(sum(|row| row.training_cost), step.forward);
    assert_eq!(sum(|row| row.backward_cost), step.backward);
    let update = report.rows.iter().map(|row| row.update);
    assert_eq!(update.fold(Work::default(), |a, b| a + b), step.update);

    // What is not dropped is as before.
    let without = analyse_training(&Network::new(0.0), |n, i| n.forward(i.float([3, 5, 8])));
    let without = self::report(&without.expect("it runs"));
    assert_eq!(report.total.cost, without.total.cost);
    let without = without.training.expect("asked for");
    let more = 2 * values + 2 * 3 * 2 * 25;
    assert_eq!(step.forward, without.forward + more);
    assert_eq!(step.backward, without.backward + more);
    // The random numbers are kept.
    assert_eq!(
        step.memory.saved,
        without.memory.saved + 4 * (values + 3 * 2 * 25)
    );
}

#[test]
fn a_recording_of_inference_says_that_it_lacks_them() {
    let network = Network::new(0.5);
    let analysis = analyse(&network, |n, i| n.forward(i.float([3, 5, 8]))).expect("it runs");
    let report = report(&analysis);
    let named: Vec<_> = report
        .uncounted
        .iter()
        .map(|entry| (entry.operation.as_str(), entry.path.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            ("GaussianNoise (training)", "noise"),
            ("Dropout (training)", "dropout"),
            ("Dropout (training)", "attention.dropout"),
        ]
    );
    // Inference lacks nothing.
    assert!(analysis.report(&Options::default()).uncounted.is_empty());
}

#[test]
fn statistics_stay_as_they_are() {
    let network = Network::new(0.5);
    let mean = || network.norm.running_mean.value().into_data();
    let before = mean();
    let analysis = analyse_training(&network, |n, i| n.forward(i.float([3, 5, 8])));
    analysis.expect("it runs");
    assert_eq!(mean(), before);
}
