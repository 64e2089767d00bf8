//! Sums as they stand in a text: `(3·3·64 + 1)·64 = 36,928`.

use std::iter::Peekable;
use std::str::Chars;

/// Whether all sides of the equation have the same value; `None` if it is no equation of numbers.
pub fn holds(equation: &str) -> Option<bool> {
    let values: Option<Vec<f64>> = equation.split('=').map(value).collect();
    let values = values?;
    let near = |other: &f64| (other - values[0]).abs() <= 1e-9 * values[0].abs().max(1.0);
    Some(values.len() > 1 && values.iter().all(near))
}

fn value(text: &str) -> Option<f64> {
    let without_spaces: String = text.chars().filter(|letter| *letter != ' ').collect();
    let mut letters = without_spaces.chars().peekable();
    let value = sum(&mut letters)?;
    letters.next().is_none().then_some(value)
}

fn sum(letters: &mut Peekable<Chars>) -> Option<f64> {
    let mut value = product(letters)?;
    while let Some(sign) = letters.next_if(|letter| "+-−".contains(*letter)) {
        let term = product(letters)?;
        value += if sign == '+' { term } else { -term };
    }
    Some(value)
}

fn product(letters: &mut Peekable<Chars>) -> Option<f64> {
    let mut value = factor(letters)?;
    while let Some(sign) = letters.next_if(|letter| "·/".contains(*letter)) {
        let other = factor(letters)?;
        value = if sign == '·' {
            value * other
        } else {
            value / other
        };
    }
    Some(value)
}

fn factor(letters: &mut Peekable<Chars>) -> Option<f64> {
    if letters.next_if(|letter| "-−".contains(*letter)).is_some() {
        return Some(-factor(letters)?);
    }
    if letters.next_if_eq(&'(').is_some() {
        let value = sum(letters)?;
        return letters.next_if_eq(&')').map(|_| value);
    }
    let mut digits = String::new();
    while let Some(letter) =
        letters.next_if(|letter| letter.is_ascii_digit() || ".,".contains(*letter))
    {
        if letter != ',' {
            digits.push(letter);
        }
    }
    digits.parse().ok()
}
