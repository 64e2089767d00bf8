//! Names of classes, which go to terminals and into tables.

/// Characters of a name. ImageNet's have a few dozen.
const MOST: usize = 200;

/// `name` as one line of text that a terminal shows as it is: control characters, line ends and characters that
/// turn the direction of writing or are not seen are replaced, and what is too long is cut off.
pub(super) fn printable(name: &str) -> String {
    let shown = |letter: char| match is_hidden(letter) {
        true => char::REPLACEMENT_CHARACTER,
        false => letter,
    };
    let mut letters = name.chars();
    let mut text: String = letters.by_ref().take(MOST).map(shown).collect();
    if letters.next().is_some() {
        text.pop();
        text.push('…');
    }
    text
}

/// What is no letter, mark, number or sign. Joiners, which some scripts and emoji need, are not meant.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_lines_of_printable_text() {
        for (name, expected) in [
            ("T-shirt/top", "T-shirt/top"),
            ("Fjällräv, 狐, 👩\u{200d}🌾", "Fjällräv, 狐, 👩\u{200d}🌾"),
            ("\u{1b}[31mred\u{7}", "�[31mred�"),
            ("a\nb\tc\r", "a�b�c�"),
            ("\u{9b}2J", "�2J"),
            ("gnp.\u{202e}exe\u{2066}", "gnp.�exe�"),
        ] {
            assert_eq!(printable(name), expected);
        }
        let long = printable(&"é".repeat(70_000));
        assert_eq!(long.chars().count(), MOST);
        assert!(long.ends_with("é…"));
    }
}
