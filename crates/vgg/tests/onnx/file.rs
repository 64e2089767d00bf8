//! An ONNX file as it is read by its own description (onnx.proto), apart from what writes it.

use std::collections::BTreeMap;

/// What of a model is held against the network.
pub struct Model {
    pub ir_version: u64,
    pub opset: u64,
    pub metadata: BTreeMap<String, String>,
    pub nodes: Vec<Node>,
    /// Shapes and numbers by name.
    pub weights: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    pub input: Port,
    pub output: Port,
}

pub struct Node {
    pub operator: String,
    pub name: String,
    pub inputs: Vec<String>,
    pub output: String,
    /// Whole numbers, one or several.
    pub attributes: BTreeMap<String, Vec<usize>>,
}

/// What goes in or comes out: its name, and the sides of its shape, which are numbers or names.
#[derive(Debug, PartialEq)]
pub struct Port {
    pub name: String,
    pub sides: Vec<String>,
}

enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(_) => panic!("bytes where a number belongs"),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => panic!("a number where bytes belong"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).expect("UTF-8")
    }
}

/// The fields of a message with their numbers. No byte may be left over.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = variable(&mut bytes);
        let field = match key & 7 {
            0 => Field::Number(variable(&mut bytes)),
            2 => {
                let length = variable(&mut bytes) as usize;
                let (inside, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(inside)
            }
            other => panic!("a field of kind {other}"),
        };
        fields.push((key >> 3, field));
    }
    fields
}

fn variable(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for place in 0.. {
        let (&byte, rest) = bytes.split_first().expect("another byte");
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The only field of this number.
fn only<'a>(fields: &'a [(u64, Field<'a>)], wanted: u64) -> &'a Field<'a> {
    let mut found = fields.iter().filter(|(number, _)| *number == wanted);
    let (_, field) = found.next().expect("the field");
    assert!(found.next().is_none(), "field {wanted} is there twice");
    field
}

fn texts(fields: &[(u64, Field<'_>)], wanted: u64) -> Vec<String> {
    let found = fields.iter().filter(|(number, _)| *number == wanted);
    found.map(|(_, field)| field.text()).collect()
}

pub fn parse(bytes: &[u8]) -> Model {
    let model = fields(bytes);
    let graph = fields(only(&model, 7).bytes());
    let messages = |of: &[(u64, Field<'_>)], wanted: u64| -> Vec<Vec<u8>> {
        let found = of.iter().filter(|(number, _)| *number == wanted);
        found.map(|(_, field)| field.bytes().to_vec()).collect()
    };
    let entry = |bytes: &Vec<u8>| {
        let entry = fields(bytes);
        (only(&entry, 1).text(), only(&entry, 2).text())
    };
    Model {
        ir_version: only(&model, 1).number(),
        opset: only(&fields(only(&model, 8).bytes()), 2).number(),
        metadata: messages(&model, 14).iter().map(entry).collect(),
        nodes: messages(&graph, 1)
            .iter()
            .map(|bytes| node(bytes))
            .collect(),
        weights: messages(&graph, 5)
            .iter()
            .map(|bytes| weight(bytes))
            .collect(),
        input: port(only(&graph, 11).bytes()),
        output: port(only(&graph, 12).bytes()),
    }
}

fn node(bytes: &[u8]) -> Node {
    let node = fields(bytes);
    let attributes = node.iter().filter(|(number, _)| *number == 5);
    let attribute = |(_, field): &(u64, Field<'_>)| {
        let attribute = fields(field.bytes());
        let wanted = match only(&attribute, 20).number() {
            2 => 3,
            7 => 8,
            other => panic!("an attribute of kind {other}"),
        };
        let values = attribute.iter().filter(|(number, _)| *number == wanted);
        let values = values.map(|(_, value)| value.number() as usize);
        (only(&attribute, 1).text(), values.collect())
    };
    Node {
        operator: only(&node, 4).text(),
        name: only(&node, 3).text(),
        inputs: texts(&node, 1),
        output: only(&node, 2).text(),
        attributes: attributes.map(attribute).collect(),
    }
}

fn weight(bytes: &[u8]) -> (String, (Vec<usize>, Vec<f32>)) {
    let tensor = fields(bytes);
    assert_eq!(only(&tensor, 2).number(), 1, "32-bit numbers");
    let sides = tensor.iter().filter(|(number, _)| *number == 1);
    let shape: Vec<_> = sides.map(|(_, side)| side.number() as usize).collect();
    let (words, rest) = only(&tensor, 9).bytes().as_chunks();
    assert!(rest.is_empty());
    let values: Vec<_> = words.iter().map(|&word| f32::from_le_bytes(word)).collect();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    (only(&tensor, 8).text(), (shape, values))
}

fn port(bytes: &[u8]) -> Port {
    let port = fields(bytes);
    let kind = fields(only(&port, 2).bytes());
    let tensor = fields(only(&kind, 1).bytes());
    assert_eq!(only(&tensor, 1).number(), 1, "32-bit numbers");
    let shape = fields(only(&tensor, 2).bytes());
    let side = |(_, field): &(u64, Field<'_>)| match &fields(field.bytes())[..] {
        [(1, length)] => length.number().to_string(),
        [(2, name)] => name.text(),
        _ => panic!("a side that is neither a number nor a name"),
    };
    Port {
        name: only(&port, 1).text(),
        sides: shape.iter().map(side).collect(),
    }
}
