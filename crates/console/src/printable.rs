//! Texts of others on a terminal.

use std::fmt::Write;

/// `text` as it can stand in a line of a terminal, in at most `most_chars` characters: a name from a file or of a
/// folder may hold anything. What would move the cursor, colour the screen or turn the direction of the line is
/// shown as an escape (`\u{1b}`), and what is too long is cut off with `…`.
pub fn printable(text: &str, most_chars: usize) -> String {
    let mut shown = String::new();
    let (mut left, mut cut) = (most_chars, 0);
    for letter in text.chars() {
        let chars = match commands(letter) {
            true => letter.escape_default().count(),
            false => 1,
        };
        if left > 0 {
            // Up to here there is room for the mark.
            cut = shown.len();
        }
        if chars > left {
            shown.truncate(cut);
            shown.push_str(if most_chars > 0 { "…" } else { "" });
            return shown;
        }
        left -= chars;
        push(&mut shown, letter);
    }
    shown
}

/// A message of several lines: as [`printable`], but its lines stay, and nothing is cut off.
pub(crate) fn message(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push('\n'),
            letter => push(&mut shown, letter),
        }
    }
    shown
}

fn push(shown: &mut String, letter: char) {
    match commands(letter) {
        // Writing to a string does not fail.
        true => drop(write!(shown, "{}", letter.escape_default())),
        false => shown.push(letter),
    }
}

/// Whether a terminal takes a character for a command: control characters, line and paragraph separators, and
/// what sets the direction of writing.
fn commands(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_they_are() {
        for name in [
            "T-shirt/top",
            "it's \"so\"",
            "Häuser und Bäume",
            "猫",
            "e\u{301}",
            "",
        ] {
            assert_eq!(printable(name, 20), name);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(printable("\u{1b}[31mred", 99), "\\u{1b}[31mred");
        assert_eq!(printable("a\nb\tc\rd", 99), "a\\nb\\tc\\rd");
        assert_eq!(printable("\u{9b}2J", 99), "\\u{9b}2J");
        assert_eq!(printable("gpj.\u{202e}exe", 99), "gpj.\\u{202e}exe");
        assert_eq!(message("a\nb\u{7}"), "a\nb\\u{7}");
    }

    #[test]
    fn what_is_too_long_is_cut_off() {
        assert_eq!(printable("abcd", 4), "abcd");
        assert_eq!(printable("abcde", 4), "abc…");
        assert_eq!(printable("abc\u{1b}", 4), "abc…");
        assert_eq!(printable("ab", 1), "…");
        assert_eq!(printable("ab", 0), "");
        for most in 0..30 {
            let name = "a\u{1b}b\u{1b}cdefghijklmnop".repeat(3);
            assert!(printable(&name, most).chars().count() <= most);
        }
        let long = "x".repeat(70_000);
        assert_eq!(
            format!("{:70}|", printable(&long, 60)).len(),
            59 + 3 + 10 + 1
        );
    }
}
