//! Text within Markdown.

use super::text::one_line;

/// The text with everything that Markdown, or HTML within it, would read as a mark escaped. Types
/// such as `Linear<f32>` would vanish otherwise.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '\\' | '|' | '`' | '*' | '[' | ']' => {
                escaped.push('\\');
                escaped.push(c);
            }
            _ => escaped.push(c),
        }
    }
    escaped
}
