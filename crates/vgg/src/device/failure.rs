use std::fmt::Display;

/// A backend's error in one line: what happened, and its innermost cause. Between them Burn's errors list all
/// kernels that were skipped.
pub fn failure(error: impl Display) -> String {
    let text = error.to_string();
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let first = lines.first().map_or("", |line| line.trim_end_matches(':'));
    let cause = lines.iter().rposition(|line| *line == "Caused by:");
    match cause.and_then(|index| lines.get(index + 1)) {
        Some(cause) => format!("{first}: {cause}"),
        None => first.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::failure;

    #[test]
    fn many_lines_become_the_first_and_the_cause() {
        let error =
            "It failed:\nCaused by:\n  Several\n  skipped\nCaused by:\n  no memory\nNo backtrace";
        assert_eq!(failure(error), "It failed: no memory");
        assert_eq!(failure("It failed\nsomewhere"), "It failed");
        assert_eq!(failure(""), "");
    }
}
