//! Names that are shortened together, so that what tells them apart stays.

use std::collections::{HashMap, HashSet};

use super::text::shortened;

/// Each label in at most `width` characters; labels that differ still do, if `width` has room for
/// a number and `…`.
///
/// A label is shortened in the middle. Where several would become one, the place at which they
/// start to differ is shown instead of the end, and where that is not enough, a number.
pub(crate) fn distinct(labels: &[&str], width: usize) -> Vec<String> {
    let mut short: Vec<String> = labels.iter().map(|label| shortened(label, width)).collect();
    for group in collisions(labels, &short) {
        let names: Vec<&str> = group.iter().map(|&index| labels[index]).collect();
        let start = common(&names);
        for index in group {
            short[index] = around(labels[index], start, width);
        }
    }
    let collisions = collisions(labels, &short);
    let mut taken: HashSet<String> = short.iter().cloned().collect();
    for group in collisions {
        let mut numbered: HashMap<&str, String> = HashMap::new();
        for index in group {
            let label = labels[index];
            let name = numbered
                .entry(label)
                .or_insert_with(|| number(label, index, width, &mut taken));
            short[index].clone_from(name);
        }
    }
    short
}

/// Indices of labels that differ and look the same.
fn collisions(labels: &[&str], short: &[String]) -> Vec<Vec<usize>> {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, name) in short.iter().enumerate() {
        groups.entry(name).or_default().push(index);
    }
    let mut groups: Vec<Vec<usize>> = groups
        .into_values()
        .filter(|group| group.iter().any(|&index| labels[index] != labels[group[0]]))
        .collect();
    groups.sort();
    groups
}

/// How many characters all names begin with.
fn common(names: &[&str]) -> usize {
    let Some((first, rest)) = names.split_first() else {
        return 0;
    };
    let same = |name: &&str| {
        let pairs = first.chars().zip(name.chars());
        pairs.take_while(|(a, b)| a == b).count()
    };
    rest.iter().map(same).min().unwrap_or(0)
}

/// The label's beginning, `…` and what stands from the character `start` on.
fn around(label: &str, start: usize, width: usize) -> String {
    if label.chars().count() <= width {
        return label.to_owned();
    }
    let head = (width / 3).min(start);
    let rest: String = label.chars().skip(start).collect();
    let gap = if start > head { "…" } else { "" };
    let room = width.saturating_sub(head + gap.chars().count());
    let head: String = label.chars().take(head).collect();
    match rest.chars().count() <= room {
        true => format!("{head}{gap}{rest}"),
        // What differs comes first, and a path's end still tells its kind.
        false => format!("{head}{gap}{}", ends(&rest, room)),
    }
}

/// Two thirds of the room for the beginning, the rest for the end.
fn ends(text: &str, room: usize) -> String {
    let Some(kept) = room.checked_sub(1) else {
        return String::new();
    };
    let tail = kept / 3;
    let head: String = text.chars().take(kept - tail).collect();
    let skipped = text.chars().count().saturating_sub(tail);
    head + "…" + &text.chars().skip(skipped).collect::<String>()
}

/// The label's beginning and a number that no other has: the label's place, or the next one free.
fn number(label: &str, place: usize, width: usize, taken: &mut HashSet<String>) -> String {
    for number in place.. {
        let tail = format!("…{number}");
        let Some(head) = width.checked_sub(tail.chars().count()) else {
            break;
        };
        let name: String = label.chars().take(head).collect::<String>() + &tail;
        if taken.insert(name.clone()) {
            return name;
        }
    }
    shortened(label, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays() {
        assert_eq!(distinct(&["a.conv", "b.conv"], 6), ["a.conv", "b.conv"]);
        assert_eq!(distinct(&["blocks.0.conv"], 9), ["bloc…conv"]);
    }

    #[test]
    fn the_difference_is_shown() {
        let labels = [
            "transformer_encoder_query_projection",
            "transformer_encoder_value_projection",
        ];
        let expected = ["transf…query_pr…tion", "transf…value_pr…tion"];
        assert_eq!(distinct(&labels, 20), expected);
    }

    #[test]
    fn no_two_names_become_one() {
        let mut labels: Vec<String> = Vec::new();
        for index in 0..300 {
            labels.push(format!("a_long_name_{index}_of_a_layer_{}", index % 7));
            labels.push(format!("{}{index}{}", "x".repeat(index), "y".repeat(40)));
            labels.push(format!("ä…{index}"));
        }
        labels.push(labels[0].clone());
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let different: HashSet<_> = labels.iter().collect();
        for width in [6, 8, 13, 24, 400] {
            let short = distinct(&labels, width);
            assert!(short.iter().all(|name| name.chars().count() <= width));
            let names: HashSet<_> = short.iter().collect();
            assert_eq!(names.len(), different.len(), "{width}");
            assert_eq!(short.first(), short.last());
        }
    }

    #[test]
    fn no_width_is_too_small() {
        for width in 0..4 {
            let short = distinct(&["abcdef1x", "abcdef2x", "abcdef3x"], width);
            assert!(short.iter().all(|name| name.chars().count() <= width));
        }
    }
}
