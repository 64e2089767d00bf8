//! Names of classes on a terminal.

use console::printable;

/// Characters that are shown of a name.
pub const LONGEST_NAME: usize = 60;
/// So many differences are all told, of more the first one.
const FEW: usize = 3;

/// How the classes that `data` holds differ from those that a network knows, in a line that stays short with a
/// thousand of them; `None` if they do not.
pub fn difference(known: &[String], held: &[String], data: &str) -> Option<String> {
    if known == held {
        return None;
    }
    let shown = |name: Option<&String>| match name {
        Some(name) => format!("`{}`", printable(name, LONGEST_NAME)),
        None => "nothing".to_owned(),
    };
    let differing = (0..known.len().max(held.len()))
        .filter(|&class| known.get(class) != held.get(class))
        .map(|class| {
            let [known, held] = [known, held].map(|names| shown(names.get(class)));
            format!("class {class} is {known} to the network and {held} in the data")
        });
    let mut differing: Vec<_> = differing.collect();
    let more = match differing.len() {
        count if count > FEW => {
            differing.truncate(1);
            format!("; {} more differ", count - 1)
        }
        _ => String::new(),
    };
    Some(format!(
        "the network knows {} classes, {data} holds {}: {}{more}",
        known.len(),
        held.len(),
        differing.join("; ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    #[test]
    fn the_same_classes_do_not_differ() {
        assert_eq!(difference(&names(1000), &names(1000), "X"), None);
    }

    #[test]
    fn a_few_are_all_told() {
        let (known, mut held) = (names(1000), names(1000));
        held[7] = "dog\u{1b}[2J".to_owned();
        let text = difference(&known, &held, "X").expect("another");
        let expected = "the network knows 1000 classes, X holds 1000: class 7 is `class 7` to the \
                        network and `dog\\u{1b}[2J` in the data";
        assert_eq!(text, expected);
    }

    #[test]
    fn of_many_the_first_one_is_told() {
        let text = difference(&names(1000), &names(2)[1..], "X").expect("others");
        assert!(
            text.starts_with("the network knows 1000 classes, X holds 1: class 0 is"),
            "{text}"
        );
        assert!(text.ends_with("; 999 more differ"), "{text}");
        let text = difference(&names(3), &names(2), "X").expect("one less");
        assert!(text.ends_with("class 2 is `class 2` to the network and nothing in the data"));
        let long = difference(&names(2), &["x".repeat(70_000)], "X").expect("others");
        assert!(long.len() < 400, "{}", long.len());
    }
}
