//! Module paths from the names of operators.

use std::collections::HashMap;

use super::model::Node;
use crate::tree::Tree;

/// The parts of an operator's path. PyTorch names operators after its modules, each with its full
/// path: `/layer1/layer1.0/conv1/Conv` is `layer1.0.conv1.Conv`.
fn parts(node: &Node, index: usize) -> Vec<String> {
    if node.name.is_empty() {
        return vec![format!("{}_{index}", node.operator)];
    }
    let mut parts: Vec<&str> = Vec::new();
    let mut above = "";
    for scope in node.name.split('/').filter(|scope| !scope.is_empty()) {
        let inside = scope.strip_prefix(above);
        let own = match inside.and_then(|rest| rest.strip_prefix('.')) {
            Some(rest) if !above.is_empty() => rest,
            _ => scope,
        };
        parts.extend(own.split('.').filter(|part| !part.is_empty()));
        above = scope;
    }
    match parts.is_empty() {
        true => vec![format!("{}_{index}", node.operator)],
        false => parts.into_iter().map(str::to_owned).collect(),
    }
}

/// Operators and the modules that hold them.
#[derive(Default)]
pub(super) struct Names {
    children: Vec<(String, Names)>,
    index: HashMap<String, usize>,
    /// The operators here, by their positions.
    operators: Vec<usize>,
}

impl Names {
    pub(super) fn of(nodes: &[Node]) -> Self {
        let mut names = Self::default();
        for (index, node) in nodes.iter().enumerate() {
            let mut at = &mut names;
            // Deeper names are one part.
            let parts = parts(node, index);
            let (front, rest) = parts.split_at(parts.len().min(DEEPEST));
            for part in front {
                at = at.child(part);
            }
            if !rest.is_empty() {
                at = at.child(&rest.join("_"));
            }
            at.operators.push(index);
        }
        names
    }

    fn child(&mut self, name: &str) -> &mut Self {
        let next = self.children.len();
        let at = *self.index.entry(name.to_owned()).or_insert(next);
        if at == next {
            self.children.push((name.to_owned(), Self::default()));
        }
        &mut self.children[at].1
    }

    /// Enters all into a tree; `visit` is called in each operator's place.
    pub(super) fn enter(&self, tree: &mut Tree, visit: &mut impl FnMut(&mut Tree, usize)) {
        for &operator in &self.operators {
            visit(tree, operator);
        }
        for (name, names) in &self.children {
            tree.enter(name, "Module:Module");
            names.enter(tree, visit);
            tree.exit();
        }
    }
}

/// Parts of the deepest path.
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_pytorch() {
        let named = |name: &str| {
            let node = Node {
                name: name.into(),
                operator: "Conv".into(),
                ..Node::default()
            };
            parts(&node, 7).join(".")
        };
        assert_eq!(named("/layer1/layer1.0/conv1/Conv"), "layer1.0.conv1.Conv");
        assert_eq!(named("/features/features.0/Conv"), "features.0.Conv");
        assert_eq!(named("Conv_3"), "Conv_3");
        assert_eq!(named("/Conv"), "Conv");
        assert_eq!(named(""), "Conv_7");
        assert_eq!(named("/."), "Conv_7");
    }
}
