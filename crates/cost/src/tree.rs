//! The module tree: paths, types, parameters.

use std::collections::HashMap;

use burn::tensor::DType;
use burn_ir::TensorId;

/// One module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Its path; empty for the root.
    pub(crate) path: String,
    /// Its type; empty where it is not known.
    pub(crate) module: String,
    pub(crate) parent: Option<usize>,
    pub(crate) depth: usize,
    pub(crate) children: Vec<usize>,
    /// Whether it or a module in it has parameters.
    pub(crate) has_parameters: bool,
    /// A field that holds no module: a flag, an absent option.
    pub(crate) hidden: bool,
}

/// What a parameter is to training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Trainable,
    Frozen,
    Buffer,
}

/// A parameter or buffer. A tied parameter is here once, at its first place.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    /// The module that holds it.
    pub(crate) node: usize,
    pub(crate) role: Role,
    pub(crate) shape: Vec<usize>,
    pub(crate) dtype: DType,
    pub(crate) tensor: TensorId,
}

impl Parameter {
    pub(crate) fn elements(&self) -> u128 {
        let sides = self.shape.iter().map(|&side| side as u128);
        sides.fold(1, u128::saturating_mul)
    }

    pub(crate) fn bytes(&self) -> u128 {
        self.elements().saturating_mul(self.dtype.size() as u128)
    }
}

/// Built while a module is traversed: [`enter`](Self::enter) and [`exit`](Self::exit) for each
/// field, [`parameter`](Self::parameter) inside a parameter's field.
#[derive(Debug)]
pub(crate) struct Tree {
    /// In the order of the traversal, the root first.
    pub(crate) nodes: Vec<Node>,
    pub(crate) parameters: Vec<Parameter>,
    current: usize,
}

impl Tree {
    pub(crate) fn new(root: &str) -> Self {
        let root = Node {
            module: root.into(),
            ..Node::default()
        };
        Self {
            nodes: vec![root],
            parameters: Vec::new(),
            current: 0,
        }
    }

    /// Enters a field. `container` describes what holds the field, so the type of a module
    /// becomes known by its first field.
    pub(crate) fn enter(&mut self, name: &str, container: &str) {
        let parent = self.current;
        let index = self.nodes.len();
        let holder = &mut self.nodes[parent];
        let kind = container.rsplit(':').next().unwrap_or(container);
        if holder.module.is_empty() {
            holder.module = kind.into();
        }
        holder.children.push(index);
        let path = match holder.path.as_str() {
            "" => name.to_string(),
            path => format!("{path}.{name}"),
        };
        let depth = holder.depth + 1;
        self.nodes.push(Node {
            path,
            parent: Some(parent),
            depth,
            ..Node::default()
        });
        self.current = index;
    }

    pub(crate) fn exit(&mut self) {
        self.current = self.nodes[self.current].parent.unwrap_or(0);
    }

    /// The path of the field that is being visited.
    pub(crate) fn path(&self) -> &str {
        &self.nodes[self.current].path
    }

    /// The field that is being visited is no module.
    pub(crate) fn hide(&mut self) {
        self.nodes[self.current].hidden = true;
    }

    /// The field that is being visited is a parameter.
    pub(crate) fn parameter(
        &mut self,
        role: Role,
        shape: Vec<usize>,
        dtype: DType,
        tensor: TensorId,
    ) {
        self.hide();
        let node = self.nodes[self.current].parent.unwrap_or(0);
        self.parameters.push(Parameter {
            node,
            role,
            shape,
            dtype,
            tensor,
        });
        let mut above = Some(node);
        while let Some(index) = above {
            self.nodes[index].has_parameters = true;
            above = self.nodes[index].parent;
        }
    }

    /// Takes the types of modules without fields from the module's printed form, which names
    /// every field's type: `relu: Relu`, `pool: MaxPool2d {…}`.
    pub(crate) fn name_leaves(&mut self, printed: &str) {
        let mut types: HashMap<String, &str> = HashMap::new();
        let mut path: Vec<&str> = Vec::new();
        for line in printed.lines().skip(1) {
            let text = line.trim_start();
            let depth = (line.len() - text.len()) / 2;
            let Some((name, rest)) = text.split_once(": ") else {
                continue;
            };
            if depth == 0 || depth > path.len() + 1 {
                continue;
            }
            path.truncate(depth - 1);
            path.push(name);
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
            types.insert(path.join("."), &rest[..end.unwrap_or(rest.len())]);
        }
        for node in &mut self.nodes {
            if node.module.is_empty()
                && let Some(&module) = types.get(&node.path)
            {
                node.module = module.into();
                node.hidden |= module == "None";
            }
        }
    }

    /// `node` and everything that holds it, innermost first.
    pub(crate) fn ancestors(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(node), |&index| self.nodes[index].parent)
    }

    /// The innermost module that holds both.
    pub(crate) fn common(&self, a: usize, b: usize) -> usize {
        let (mut a, mut b) = (a, b);
        while a != b {
            if self.nodes[a].depth < self.nodes[b].depth {
                std::mem::swap(&mut a, &mut b);
            }
            a = self.nodes[a].parent.unwrap_or(0);
        }
        a
    }
}
