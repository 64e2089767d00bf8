//! ONNX files, which `scripts/onnx_files.py` writes.

use burn::module::Module;
use burn::nn::attention::{MhaInput, MultiHeadAttention, MultiHeadAttentionConfig};
use burn::nn::{
    Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig, Relu,
};
use burn::tensor::{Device, Int, Tensor, activation};
use cost::onnx::Model;
use cost::report::Row;
use cost::{Error, Optimizer, Options, Report, analyse};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/onnx/");

fn read(name: &str) -> Model {
    Model::read(format!("{FOLDER}{name}.onnx")).expect("an ONNX file")
}

fn report(model: &Model) -> Report {
    let analysis = model.analyse().expect("it runs");
    let options = Options::default().with_training(Optimizer::Sgd);
    analysis.strict_report(&options).expect("all is counted")
}

fn row<'a>(report: &'a Report, path: &str) -> &'a Row {
    let row = report.rows.iter().find(|row| row.path == path);
    row.unwrap_or_else(|| panic!("no row {path} in\n{}", report.to_table()))
}

#[derive(Module, Debug)]
struct Perceptron {
    first: Linear,
    relu: Relu,
    second: Linear,
}

#[test]
fn the_same_as_the_module() {
    let device = Device::flex();
    let module = Perceptron {
        first: LinearConfig::new(32, 16).init(&device),
        relu: Relu::new(),
        second: LinearConfig::new(16, 10).init(&device),
    };
    let twin = analyse(&module, |m, i| {
        let x = m.relu.forward(m.first.forward(i.float([8, 32])));
        activation::softmax(m.second.forward(x), 1)
    });
    let options = Options::default().with_training(Optimizer::Sgd);
    let twin = twin.expect("it runs").report(&options);

    let model = read("perceptron").with_side("batch", 8);
    assert_eq!(model.name(), "perceptron");
    assert_eq!(model.inputs().collect::<Vec<_>>(), ["x"]);
    let report = report(&model);
    assert_eq!(report.total.parameters, twin.total.parameters);
    assert_eq!(report.total.cost, twin.total.cost);
    assert_eq!(report.total.work, twin.total.work);
    assert_eq!(report.total.backward_cost, twin.total.backward_cost);
    assert_eq!(report.inference.peak, twin.inference.peak);
    assert_eq!((report.inputs, report.outputs), (twin.inputs, twin.outputs));
    assert_eq!(report.notes, [""; 0]);
}

#[test]
fn rows_are_named_after_the_operators() {
    let report = report(&read("perceptron"));
    let first = row(&report, "fc1.Gemm");
    assert_eq!(first.module, "Gemm");
    assert_eq!(first.cost, 32 * 16);
    assert_eq!(first.parameters.trainable, 32 * 16 + 16);
    assert_eq!(
        (first.inputs.as_slice(), first.outputs.as_slice()),
        (&[vec![1, 32]][..], &[vec![1, 16]][..])
    );
    assert_eq!(row(&report, "relu.Relu").work.comparisons, 16);
    assert_eq!(row(&report, "Softmax").calls, 1);
    let folded = report.folded(1);
    assert_eq!(row(&folded, "fc2").cost, 16 * 10);
    assert_eq!(report.by_kind[0].kind, "linear");
}

#[test]
fn a_network_whose_weights_lie_elsewhere() {
    let model = read("network");
    let error = model.analyse().expect_err("open sides").to_string();
    assert!(error.contains("`height`"), "{error}");
    let model = model.with_shape("images", [2, 3, 224, 224]);
    let report = report(&model);
    let macs = [
        ("stem.conv.Conv", 112 * 112 * 64 * 3 * 49),
        ("layer1.0.conv1.Conv", 56 * 56 * 64 * 64 * 9),
        ("layer1.0.conv2.Conv", 56 * 56 * 64 * 64 * 9),
        ("gated.depthwise.Conv", 28 * 28 * 64 * 9),
        ("gated.gate.Conv", 64 * 64),
        ("branch.a.Conv", 28 * 28 * 64 * 32),
        ("classifier.Gemm", 96 * 1000),
    ];
    for (path, macs) in macs {
        assert_eq!(row(&report, path).cost, 2 * macs, "{path}");
    }
    let sum: u128 = macs.iter().map(|(_, macs)| 2 * macs).sum();
    assert_eq!(report.total.cost, sum);
    let norm = row(&report, "layer1.0.conv1.BatchNormalization");
    assert_eq!(
        (norm.parameters.trainable, norm.parameters.buffers),
        (128, 128)
    );
    assert_eq!(
        row(&report, "layer1.0.Add").work.additions,
        2 * 56 * 56 * 64
    );
    assert_eq!(report.outputs[0].shape, [2, 1000]);
    assert_eq!(report.notes, [""; 0]);
}

#[derive(Module, Debug)]
struct Transformer {
    words: Embedding,
    norms: [LayerNorm; 2],
    attention: MultiHeadAttention,
    mlp: [Linear; 2],
}

impl Transformer {
    fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        let x = self.words.forward(tokens);
        let y = self.norms[0].forward(x.clone());
        let x = x + self.attention.forward(MhaInput::self_attn(y)).context;
        let y = self.mlp[0].forward(self.norms[1].forward(x.clone()));
        x + self.mlp[1].forward(activation::gelu(y))
    }
}

#[test]
fn a_transformer_that_computes_its_shapes() {
    let device = Device::flex();
    let norm = || LayerNormConfig::new(64).init(&device);
    let module = Transformer {
        words: EmbeddingConfig::new(1000, 64).init(&device),
        norms: [norm(), norm()],
        attention: MultiHeadAttentionConfig::new(64, 4).init(&device),
        mlp: [
            LinearConfig::new(64, 256).init(&device),
            LinearConfig::new(256, 64).init(&device),
        ],
    };
    let twin = analyse(&module, |m, i| m.forward(i.int([2, 10]))).expect("it runs");
    let twin = twin.report(&Options::default());
    let model = read("transformer")
        .with_side("batch", 2)
        .with_side("length", 10);
    let report = report(&model);
    assert_eq!(report.total.parameters, twin.total.parameters);
    assert_eq!(report.total.cost, twin.total.cost);
    assert_eq!(report.outputs, twin.outputs);
    assert_eq!(row(&report, "MatMul").cost, 2 * 4 * 10 * 10 * 16);
    assert_eq!(row(&report, "mlp.0.MatMul").cost, 2 * 10 * 64 * 256);
    assert_eq!(report.notes, [""; 0]);
}

#[test]
fn what_cannot_be_read_is_named() {
    let error = Model::read(format!("{FOLDER}absent.onnx")).expect_err("no file");
    assert!(error.to_string().contains("absent.onnx"), "{error}");
    let bytes = std::fs::read(format!("{FOLDER}perceptron.onnx")).expect("a file");
    for length in [0, 1, 20, 100, bytes.len() - 1] {
        let model = Model::from_bytes(&bytes[..length]);
        assert!(matches!(model, Err(Error::Onnx { .. })), "{length}");
    }
    let renamed = |from: &[u8], to: &[u8]| {
        let mut bytes = bytes.clone();
        while let Some(at) = bytes.windows(from.len()).position(|part| part == from) {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
        let model = Model::from_bytes(&bytes).expect("a model");
        model.analyse().expect_err("it does not run").to_string()
    };
    let error = renamed(b"\x22\x04Relu", b"\x22\x04Rulu");
    assert_eq!(error, "the graph: there is no rule for `Rulu`");
    let error = renamed(b"\x08\x10\x08\x20", b"\x08\x10\x08\x21");
    assert!(error.starts_with("`/fc1/Gemm`: "), "{error}");
}
