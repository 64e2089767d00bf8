//! Reads the printed form of a module, the only place where a module without parameters names its
//! type.
//!
//! Burn prints `Type {`, one `name: value` a line, `}`; or all of it in one line, separated by
//! commas. A value is printed in the same form again. What an `Option` holds stands in its place,
//! and the payload of an enum's variant has the name `_0`.

use std::collections::HashMap;

/// A printed module. Values lie inside each other as deep as modules do, so they stand in one list
/// and nothing here follows them by recursion.
#[derive(Debug, Default)]
pub(super) struct Printed<'a> {
    /// The text of each value up to its brace: a type's name, or a plain value such as `0.5`. The
    /// whole module is the first.
    values: Vec<&'a str>,
    /// The values of fields, by their holder and their name.
    fields: HashMap<(usize, &'a str), usize>,
}

impl<'a> Printed<'a> {
    /// The whole module.
    pub(super) const ROOT: usize = 0;

    /// Reads a printed module; what does not follow the form is left out.
    pub(super) fn read(text: &'a str) -> Self {
        let mut printed = Self::default();
        let mut open: Vec<usize> = Vec::new();
        let mut name = "";
        let mut rest = text;
        loop {
            let end = value_end(rest);
            let value = printed.values.len();
            printed.values.push(rest[..end].trim());
            if let Some(&holder) = open.last() {
                printed.fields.insert((holder, name), value);
            }
            rest = &rest[end..];
            if let Some(inside) = rest.strip_prefix('{') {
                open.push(value);
                rest = inside;
            }
            // Up to the next field's name, closing what ends before it.
            loop {
                rest = rest.trim_start_matches([' ', '\n', ',', '\r', '\t']);
                if let Some(after) = rest.strip_prefix('}') {
                    open.pop();
                    rest = after;
                    continue;
                }
                let line = rest.find(['\n', '}']).unwrap_or(rest.len());
                if rest.is_empty() || open.is_empty() {
                    return printed;
                }
                match rest[..line].split_once(": ") {
                    Some((found, _)) => {
                        name = found;
                        rest = &rest[found.len() + 2..];
                        break;
                    }
                    // No field: the line is skipped.
                    None => rest = &rest[line..],
                }
            }
        }
    }

    /// The value's type, where its text is a type's name with or without parameters.
    pub(super) fn type_name(&self, value: usize) -> &'a str {
        let text = self.values.get(value).copied().unwrap_or_default();
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
        let name = &text[..end.unwrap_or(text.len())];
        match name.starts_with(|c: char| c.is_ascii_digit()) {
            true => "",
            false => name,
        }
    }

    /// The value of a field, or of an enum's payload, which is printed as `_0` where the module
    /// tree has the variant's name.
    pub(super) fn field(&self, value: usize, name: &str) -> Option<usize> {
        let named = self.fields.get(&(value, name));
        named.or_else(|| self.fields.get(&(value, "_0"))).copied()
    }
}

/// Where a value's text ends: at its brace, its line, the next field, or what closes around it.
fn value_end(text: &str) -> usize {
    let mut brackets = 0usize;
    for (index, c) in text.char_indices() {
        match c {
            '{' | '\n' => return index,
            '[' | '(' | '<' => brackets += 1,
            ']' | ')' | '>' => brackets = brackets.saturating_sub(1),
            '}' | ',' if brackets == 0 => return index,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "Network {
  layers: Vec<0..2>
  {
    0: Layer {
      _0: Conv2d {stride: [1, 1], padding: Explicit(1, 1, 1, 1), params: 112}
      params: 112
    }
    1: Layer {
      _0: Relu
    }
  }
  pool: MaxPool2d {kernel_size: [2, 2], stride: [2, 2]}
  absent: None
  norm:     BatchNorm {num_features: 4, epsilon: 0.00001}
  flag: true
  rate: 0.5
  params: 120
}";

    #[test]
    fn fields_are_found_at_any_depth() {
        let text = NETWORK.replace("Vec<0..2>\n  {", "Vec<0..2> {");
        let printed = Printed::read(&text);
        assert_eq!(printed.type_name(Printed::ROOT), "Network");
        let path = |path: &[&str]| {
            let root = Printed::ROOT;
            let found = path
                .iter()
                .try_fold(root, |at, name| printed.field(at, name));
            found.map(|value| printed.type_name(value))
        };
        assert_eq!(path(&["layers", "0", "Conv"]), Some("Conv2d"));
        assert_eq!(path(&["layers", "1", "Relu"]), Some("Relu"));
        assert_eq!(path(&["layers", "1", "_0"]), Some("Relu"));
        assert_eq!(path(&["pool"]), Some("MaxPool2d"));
        assert_eq!(path(&["absent"]), Some("None"));
        assert_eq!(path(&["norm"]), Some("BatchNorm"));
        assert_eq!(path(&["flag"]), Some("true"));
        assert_eq!(path(&["rate"]), Some(""));
        assert_eq!(path(&["missing"]), None);
    }

    #[test]
    fn what_is_not_in_the_form_does_no_harm() {
        for text in [
            "",
            "{",
            "}",
            "A {",
            "A {\n b: C {",
            "a: b",
            "A {\n junk\n b: Relu\n}",
        ] {
            let _ = Printed::read(text);
        }
        let printed = Printed::read("A {\n junk\n b: Relu\n}");
        let found = printed.field(Printed::ROOT, "b");
        assert_eq!(found.map(|value| printed.type_name(value)), Some("Relu"));
        let deep = "A {\n a: ".repeat(50_000);
        let _ = Printed::read(&deep);
    }
}
