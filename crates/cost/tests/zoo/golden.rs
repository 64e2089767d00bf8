//! What `scripts/zoo_costs.py` got from the tools themselves.

const COSTS: &str = include_str!("costs.csv");
const ROWS: &str = include_str!("rows.csv");

/// One figure of one network.
pub struct Figure {
    pub input: Vec<usize>,
    /// A convention's name, or what else is counted.
    pub name: &'static str,
    pub value: u64,
}

/// One module's own share, without its children's.
pub struct Module {
    /// Its path on the side of Rust.
    pub path: &'static str,
    /// Its type in Burn.
    pub module: &'static str,
    pub calls: u64,
    pub parameters: u64,
    pub macs: u64,
    /// Sums of tensors; only counted in modules that hold others.
    pub additions: u64,
    /// The shapes of the outputs of its first and of its last call.
    pub first: Vec<usize>,
    pub last: Vec<usize>,
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
        let [
            _,
            path,
            kind,
            calls,
            parameters,
            macs,
            additions,
            first,
            last,
        ] = columns;
        Module {
            path,
            module: in_burn(kind),
            calls: number(calls),
            parameters: number(parameters),
            macs: number(macs),
            additions: number(additions),
            first: shape(first),
            last: shape(last),
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

fn number(text: &str) -> u64 {
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
