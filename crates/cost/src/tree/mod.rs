//! The module tree: paths, types, parameters.

mod printed;

use burn::tensor::DType;
use burn_ir::TensorId;

use crate::attribution::is_whole;
use printed::Printed;

/// One module.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    /// Its path; empty for the root.
    pub(crate) path: String,
    /// The last part of the path.
    pub(crate) name: String,
    /// Its type; empty where it is not known.
    pub(crate) module: String,
    pub(crate) parent: Option<usize>,
    pub(crate) depth: usize,
    pub(crate) children: Vec<usize>,
    /// One behind the last node inside of it.
    pub(crate) end: usize,
    /// A vector, an array or a tuple: it holds modules and has no forward pass of its own.
    pub(crate) container: bool,
    /// An enum: what it does is what its payload does.
    pub(crate) choice: bool,
    /// Whether it or a module in it has parameters.
    pub(crate) has_parameters: bool,
    /// How often it is called, for a module without parameters; known once all is attributed.
    pub(crate) uses: u128,
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
            end: 1,
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
            holder.container = !container.contains(':');
            holder.choice = container.starts_with("Enum:");
        }
        holder.children.push(index);
        let path = match holder.path.as_str() {
            "" => name.to_string(),
            path => format!("{path}.{name}"),
        };
        let depth = holder.depth + 1;
        self.nodes.push(Node {
            path,
            name: name.into(),
            end: index + 1,
            parent: Some(parent),
            depth,
            ..Node::default()
        });
        self.current = index;
    }

    pub(crate) fn exit(&mut self) {
        let end = self.nodes.len();
        self.nodes[self.current].end = end;
        self.current = self.nodes[self.current].parent.unwrap_or(0);
        self.nodes[self.current].end = end;
    }

    /// The field that is being visited, by its index.
    pub(crate) fn place(&self) -> usize {
        self.current
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

    /// Takes the types of modules without fields from the module's printed form, and closes the
    /// tree: nothing is entered any more.
    pub(crate) fn name_leaves(&mut self, printed: &str) {
        let printed = Printed::read(printed);
        let mut values = vec![Some(Printed::ROOT); self.nodes.len()];
        // Holders stand before what they hold.
        for index in 1..self.nodes.len() {
            let node = &self.nodes[index];
            let Some(parent) = node.parent else { continue };
            let value = values[parent].and_then(|holder| printed.field(holder, &node.name));
            values[index] = value;
            let known = !self.nodes[parent].container && is_whole(&self.nodes[parent].module);
            let node = &mut self.nodes[index];
            // The settings of a layer are no modules.
            node.hidden |= known && !node.has_parameters;
            if node.module.is_empty()
                && let Some(value) = value
            {
                node.module = printed.type_name(value).into();
                node.hidden |= matches!(node.module.as_str(), "" | "None" | "true" | "false");
            }
        }
    }

    /// Whether `node` is `holder` or lies inside of it.
    pub(crate) fn is_inside(&self, node: usize, holder: usize) -> bool {
        (holder..self.nodes[holder].end).contains(&node)
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
