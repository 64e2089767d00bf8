//! Reports made by hand, for the tests of this crate's renderings.

use crate::report::*;
use crate::work::Work;

fn row(path: &str, module: &str, parameters: Parameters, cost: u128) -> Row {
    Row {
        path: path.to_owned(),
        module: module.to_owned(),
        depth: path.split('.').filter(|part| !part.is_empty()).count(),
        calls: 1,
        inputs: vec![vec![1, 3, 8, 8]],
        outputs: vec![vec![1, 16, 8, 8]],
        operations: 1,
        parameters,
        cost,
        backward_cost: cost * 2,
        training_cost: cost,
        update: Work {
            multiplications: parameters.trainable,
            additions: parameters.trainable,
            ..Work::default()
        },
        work: Work {
            macs: cost,
            multiplications: cost,
            additions: cost,
            comparisons: 7,
            elementary: 3,
            read: 400,
            written: 4096,
            ..Work::default()
        },
        activation_bytes: 4096,
        bound: None,
    }
}

fn parameters(trainable: u128, frozen: u128, buffers: u128) -> Parameters {
    Parameters {
        trainable,
        frozen,
        buffers,
    }
}

/// A report with these rows and what follows from them.
pub(crate) fn with_rows(rows: Vec<Row>) -> Report {
    let (mut total, mut update) = (Total::default(), Work::default());
    for row in &rows {
        total.parameters += row.parameters;
        total.cost += row.cost;
        total.backward_cost += row.backward_cost;
        total.work += row.work;
        update += row.update;
        total.activation_bytes += row.activation_bytes;
    }
    total.parameter_bytes = (total.parameters.count() + total.parameters.buffers) * 4;
    let memory = MemoryReport {
        parameters: total.parameters.count() * 4,
        buffers: total.parameters.buffers * 4,
        inputs: 768,
        peak: 2_000_000,
        peak_operation: "conv2d".to_owned(),
        peak_path: "features.0".to_owned(),
        alive: (1..8)
            .map(|index| Alive {
                what: "output of conv2d".to_owned(),
                path: format!("features.{index}"),
                bytes: 4096,
            })
            .collect(),
        by_dtype: vec![DtypeBytes {
            dtype: "f32".to_owned(),
            bytes: 2_000_000,
        }],
        ..MemoryReport::default()
    };
    Report {
        schema: SCHEMA,
        model: "tiny|net".to_owned(),
        inputs: vec![TensorSpec {
            shape: vec![1, 3, 8, 8],
            dtype: "f32".to_owned(),
        }],
        outputs: vec![TensorSpec {
            shape: vec![1, 10],
            dtype: "f32".to_owned(),
        }],
        convention: ConventionInfo {
            name: "macs".to_owned(),
            unit: "MAC".to_owned(),
            definition: "one multiply-accumulate of a convolution or matrix product is one"
                .to_owned(),
        },
        by_kind: vec![KindShare {
            kind: "convolution".to_owned(),
            operations: 3,
            cost: total.cost,
            work: total.work,
        }],
        notes: vec!["Never read: input 1.".into()],
        uncounted: vec![Uncounted {
            operation: "fft".to_owned(),
            path: "head".to_owned(),
            operations: 2,
            elements: 1000,
        }],
        training: Some(TrainingReport {
            optimizer: "adam".to_owned(),
            forward: total.cost,
            backward: total.backward_cost,
            update,
            memory: MemoryReport {
                gradients: 4000,
                optimizer: 8000,
                saved: 16_000,
                peak: 5_000_000,
                ..memory.clone()
            },
        }),
        inference: memory,
        bounds: None,
        rows,
        total,
    }
}

/// A small network with a row of zeros, frozen parameters, buffers and two outputs.
pub(crate) fn report() -> Report {
    let mut head = row("head", "Linear<f32>", parameters(170, 0, 0), 160);
    head.outputs = vec![vec![1, 16, 8, 8], vec![1, 16]];
    with_rows(vec![
        Row {
            module: "Sequential".to_owned(),
            ..Row::default()
        },
        row("features.0", "Conv2d", parameters(0, 448, 0), 1_234_400),
        row("features.1", "BatchNorm2d", parameters(32, 0, 32), 0),
        row("features.2", "ReLU", parameters(0, 0, 0), 8),
        head,
    ])
}

/// As many rows as asked for, with costs that differ.
pub(crate) fn deep(rows: usize) -> Report {
    with_rows(
        (0..rows)
            .map(|index| {
                let size = (index as u128 % 17 + 1) * 12_345;
                let path = format!("stages.{}.blocks.{index}.conv", index / 10);
                row(&path, "Conv2d", parameters(size * 3, 0, 0), size * size)
            })
            .collect(),
    )
}

/// So many equal blocks of two layers between what a root does itself and a head. Each block does
/// something itself, too.
pub(crate) fn equal(blocks: usize) -> Report {
    let mut rows = vec![
        row("", "Network", parameters(0, 0, 0), 12),
        Row {
            path: "layers".to_owned(),
            module: "Vec".to_owned(),
            depth: 1,
            ..Row::default()
        },
    ];
    for index in 0..blocks {
        let path = |name| format!("layers.{index}{name}");
        rows.push(row(&path(""), "Block", parameters(0, 0, 0), 3));
        rows.push(row(
            &path(".conv"),
            "Conv2d",
            parameters(448, 0, 0),
            1_234_400,
        ));
        rows.push(row(&path(".norm"), "BatchNorm", parameters(32, 0, 32), 64));
    }
    rows.push(row("head", "Linear", parameters(170, 0, 0), 160));
    with_rows(rows)
}

/// Siblings whose long names differ in the middle only.
pub(crate) fn alike(rows: usize) -> Report {
    let path = |index| format!("a_long_name_of_a_layer_{index}_that_goes_on_for_long");
    with_rows(
        (0..rows)
            .map(|index| row(&path(index), "Linear", parameters(10, 0, 0), index as u128))
            .collect(),
    )
}

/// A number that no column has room for.
const HUGE: u128 = u64::MAX as u128;

/// Names and numbers that no column has room for.
pub(crate) fn extreme() -> Report {
    let long = "a_very_long_module_name.".repeat(12);
    let mut report = report();
    report.model = "модель".repeat(40);
    report.convention.definition = "a long definition ".repeat(20);
    for row in &mut report.rows {
        row.path = format!("{long}{}", row.path);
        row.module = "AVeryLongTypeName".repeat(5);
        row.outputs = vec![vec![usize::MAX; 12]];
    }
    report.rows[1].cost = HUGE;
    report.rows[1].parameters.trainable = HUGE - 448;
    report.rows[1].activation_bytes = HUGE;
    report.total.cost = HUGE;
    report.total.activation_bytes = HUGE;
    report.inference.peak_path.clone_from(&long);
    report.uncounted[0].operation.clone_from(&long);
    report.by_kind[0].kind.clone_from(&long);
    report.by_kind[0].cost = HUGE;
    report
}
