//! The parts of an ONNX file that matter: operators, shapes and small constants. Weights are
//! skipped, whether they lie in the file or beside it.

use std::collections::HashMap;

use burn::tensor::{BoolStore, DType};

use super::wire::{Field, fields};

/// Elements of the largest constant whose values are read: shapes, axes, bounds.
const KEPT: usize = 1024;

#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: HashMap<String, Constant>,
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operator: String,
    /// Empty for ONNX's own operators.
    pub(super) domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: HashMap<String, Attribute>,
}

#[derive(Debug, Clone)]
pub(super) enum Attribute {
    Float(f64),
    Integer(i64),
    Text(String),
    Constant(Constant),
    Integers(Vec<i64>),
    /// Graphs, lists of text and of numbers.
    Other,
}

/// A tensor of the file.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) dtype: DType,
    /// `None` where there are many.
    pub(super) values: Option<Vec<f64>>,
}

#[derive(Debug, Clone)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<Side>,
}

/// One side of an input's shape.
#[derive(Debug, Clone)]
pub(super) enum Side {
    Known(usize),
    /// Its name, which may be empty.
    Free(String),
}

pub(super) fn parse(bytes: &[u8]) -> Result<Graph, String> {
    for (number, field) in fields(bytes)? {
        if number == 7 {
            return graph(field.bytes()?);
        }
    }
    Err("it holds no graph".into())
}

fn graph(bytes: &[u8]) -> Result<Graph, String> {
    let mut graph = Graph::default();
    for (number, field) in fields(bytes)? {
        match number {
            1 => graph.nodes.push(node(field.bytes()?)?),
            2 => graph.name = field.text()?,
            5 => {
                let (name, constant) = constant(field.bytes()?)?;
                graph.initializers.insert(name, constant);
            }
            11 => graph.inputs.extend(input(field.bytes()?)?),
            12 => graph.outputs.push(name(field.bytes()?)?),
            _ => {}
        }
    }
    // Old files list weights as inputs too.
    let initializers = &graph.initializers;
    graph
        .inputs
        .retain(|input| !initializers.contains_key(&input.name));
    Ok(graph)
}

fn node(bytes: &[u8]) -> Result<Node, String> {
    let mut node = Node::default();
    for (number, field) in fields(bytes)? {
        match number {
            1 => node.inputs.push(field.text()?),
            2 => node.outputs.push(field.text()?),
            3 => node.name = field.text()?,
            4 => node.operator = field.text()?,
            5 => node.attributes.extend([attribute(field.bytes()?)?]),
            7 => node.domain = field.text()?,
            _ => {}
        }
    }
    if node.domain == "ai.onnx" {
        node.domain.clear();
    }
    Ok(node)
}

fn attribute(bytes: &[u8]) -> Result<(String, Attribute), String> {
    let mut name = String::new();
    let mut kind = 0;
    let (mut float, mut integer, mut text) = (Vec::new(), 0, String::new());
    let (mut integers, mut tensor) = (Vec::new(), None);
    for (number, field) in fields(bytes)? {
        match number {
            1 => name = field.text()?,
            2 => field.floats(&mut float)?,
            3 => integer = field.integer()?,
            4 => text = field.text()?,
            5 => tensor = Some(constant(field.bytes()?)?.1),
            8 => field.integers(&mut integers)?,
            20 => kind = field.integer()?,
            _ => {}
        }
    }
    let value = match kind {
        1 => Attribute::Float(float.last().copied().unwrap_or(0.0)),
        2 => Attribute::Integer(integer),
        3 => Attribute::Text(text),
        4 => tensor.map_or(Attribute::Other, Attribute::Constant),
        7 => Attribute::Integers(integers),
        _ => Attribute::Other,
    };
    Ok((name, value))
}

fn constant(bytes: &[u8]) -> Result<(String, Constant), String> {
    let mut name = String::new();
    let mut sides = Vec::new();
    let mut kind = 0;
    let mut raw: &[u8] = &[];
    let mut values = Vec::new();
    let mut numbers: Vec<Field<'_>> = Vec::new();
    for (number, field) in fields(bytes)? {
        match number {
            1 => field.integers(&mut sides)?,
            2 => kind = field.integer()?,
            // 32-bit numbers, 32- and 64-bit integers, 64-bit numbers, unsigned integers.
            4 | 5 | 7 | 11 => numbers.push(field),
            8 => name = field.text()?,
            9 => raw = field.bytes()?,
            _ => {}
        }
    }
    let dtype = dtype(kind).ok_or_else(|| format!("`{name}` has elements of type {kind}"))?;
    let shape = shape(&sides)?;
    let elements = shape
        .iter()
        .try_fold(1usize, |all, &side| all.checked_mul(side));
    if elements.is_some_and(|elements| elements <= KEPT) {
        values = match raw.is_empty() {
            true if dtype == DType::F32 => collect(&numbers, |field, into| field.floats(into))?,
            true => collect(&numbers, |field, into| {
                let mut integers = Vec::new();
                field.integers(&mut integers)?;
                into.extend(integers.iter().map(|&integer| integer as f64));
                Ok(())
            })?,
            false => unpacked(raw, dtype),
        };
    }
    let complete = Some(values.len()) == elements;
    let constant = Constant {
        shape,
        dtype,
        values: complete.then_some(values),
    };
    Ok((name, constant))
}

fn collect(
    numbers: &[Field<'_>],
    read: impl Fn(Field<'_>, &mut Vec<f64>) -> Result<(), String>,
) -> Result<Vec<f64>, String> {
    let mut values = Vec::new();
    for &field in numbers {
        read(field, &mut values)?;
    }
    Ok(values)
}

/// The values of raw bytes; none for the types that shapes and bounds are never in.
fn unpacked(raw: &[u8], dtype: DType) -> Vec<f64> {
    match dtype {
        DType::F32 => chunks(raw, |c| f64::from(f32::from_le_bytes(c))),
        DType::F64 => chunks(raw, f64::from_le_bytes),
        DType::I64 => chunks(raw, |c| i64::from_le_bytes(c) as f64),
        DType::I32 => chunks(raw, |c| f64::from(i32::from_le_bytes(c))),
        DType::Bool(_) | DType::U8 => chunks(raw, |[byte]| f64::from(byte)),
        _ => Vec::new(),
    }
}

fn chunks<const N: usize>(raw: &[u8], value: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    raw.as_chunks()
        .0
        .iter()
        .map(|&chunk| value(chunk))
        .collect()
}

fn shape(sides: &[i64]) -> Result<Vec<usize>, String> {
    let sides = sides.iter().map(|&side| usize::try_from(side));
    sides
        .collect::<Result<_, _>>()
        .map_err(|_| "a negative side of a shape".into())
}

pub(super) fn dtype(kind: i64) -> Option<DType> {
    Some(match kind {
        1 => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        4 => DType::U16,
        5 => DType::I16,
        6 => DType::I32,
        7 => DType::I64,
        9 => DType::Bool(BoolStore::U8),
        10 => DType::F16,
        11 => DType::F64,
        12 => DType::U32,
        13 => DType::U64,
        16 => DType::BF16,
        _ => return None,
    })
}

fn name(bytes: &[u8]) -> Result<String, String> {
    let fields = fields(bytes)?;
    let name = fields.into_iter().find(|(number, _)| *number == 1);
    name.map_or(Ok(String::new()), |(_, field)| field.text())
}

/// An input that is a tensor.
fn input(bytes: &[u8]) -> Result<Option<Input>, String> {
    let Some(tensor) = inside(bytes, 2)?.map(|kind| inside(kind, 1)).transpose()? else {
        return Ok(None);
    };
    let Some(tensor) = tensor else {
        return Ok(None);
    };
    let name = name(bytes)?;
    let (mut kind, mut shape) = (0, Vec::new());
    for (number, field) in fields(tensor)? {
        match number {
            1 => kind = field.integer()?,
            2 => {
                for (_, side) in fields(field.bytes()?)? {
                    shape.push(self::side(side.bytes()?)?);
                }
            }
            _ => {}
        }
    }
    let dtype = dtype(kind).ok_or_else(|| format!("`{name}` has elements of type {kind}"))?;
    Ok(Some(Input { name, dtype, shape }))
}

/// The message in field `wanted`.
fn inside(bytes: &[u8], wanted: u64) -> Result<Option<&[u8]>, String> {
    let fields = fields(bytes)?;
    let found = fields.into_iter().find(|(number, _)| *number == wanted);
    found.map(|(_, field)| field.bytes()).transpose()
}

fn side(bytes: &[u8]) -> Result<Side, String> {
    let mut side = Side::Free(String::new());
    for (number, field) in fields(bytes)? {
        match number {
            1 => {
                let length = usize::try_from(field.integer()?);
                side = length.map_or(Side::Free(String::new()), Side::Known);
            }
            2 => side = Side::Free(field.text()?),
            _ => {}
        }
    }
    Ok(side)
}
