//! What `scripts/zoo_costs.py` got from the tools themselves.

const COSTS: &str = include_str!("costs.csv");
const ROWS: &str = include_str!("rows.csv");

/// What reports count in.
pub type Count = u128;

/// One figure of one network.
pub struct Figure {
    pub input: Vec<usize>,
    /// A convention's name, or what else is counted.
    pub name: &'static str,
    pub value: Count,
}

/// One module's own share, without its children's.
pub struct Module {
    /// Its path on the side of Rust.
    pub path: &'static str,
    /// Its type in Burn.
    pub module: &'static str,
    pub calls: Count,
    pub parameters: Count,
    pub macs: Count,
    /// Sums of tensors; only counted in modules that hold others.
    pub additions: Count,
    /// The shape of its first call's output.
    pub output: Vec<usize>,
}

/// The figures of a network.
pub fn figures(network: &str) -> Vec<Figure> {
    let figures = lines(COSTS, network).map(|[_, input, name, value]| Figure {
        input: shape(input),
        name,
        value: number(value),
    });
    figures.collect()
}

/// The modules of a network, in PyTorch's order.
pub fn modules(network: &str) -> Vec<Module> {
    let modules = lines(ROWS, network).map(|columns| {
        let [_, path, kind, calls, parameters, macs, additions, output] = columns;
        Module {
            path,
            module: in_burn(kind),
            calls: number(calls),
            parameters: number(parameters),
            macs: number(macs),
            additions: number(additions),
            output: shape(output),
        }
    });
    modules.collect()
}

fn lines<const N: usize>(
    text: &'static str,
    network: &str,
) -> impl Iterator<Item = [&'static str; N]> {
    let lines = text.lines().skip(1).map(|line| {
        let columns: Vec<_> = line.split(',').collect();
        columns.try_into().expect("the columns of the head")
    });
    lines.filter(move |columns: &[&str; N]| columns[0] == network)
}

fn number(text: &str) -> Count {
    text.parse().expect("a number")
}

fn shape(text: &str) -> Vec<usize> {
    let sides = text.split('x').map(|side| side.parse().expect("a number"));
    sides.collect()
}

/// What Burn calls a type of PyTorch.
fn in_burn(kind: &'static str) -> &'static str {
    match kind {
        "BatchNorm2d" => "BatchNorm",
        "ReLU" => "Relu",
        "ReLU6" => "Relu6",
        "GELU" => "Gelu",
        "MBConv" => "MbConv",
        "BoxMlp" => "Mlp",
        kind => kind,
    }
}
