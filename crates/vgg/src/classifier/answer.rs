//! What a classifier says about one picture.

use std::sync::Arc;

/// What a [`Classifier`](super::Classifier) says about one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    probabilities: Vec<f32>,
    classes: Arc<[String]>,
}

/// A class, and how probable it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guess<'a> {
    /// Its name.
    pub class: &'a str,
    /// Its number, from 0.
    pub index: usize,
    /// From 0 to 1.
    pub probability: f32,
}

impl Answer {
    /// `probabilities` are as many as `classes`, and numbers.
    pub(super) fn new(probabilities: Vec<f32>, classes: Arc<[String]>) -> Self {
        Self {
            probabilities,
            classes,
        }
    }

    /// The `count` most probable classes, or all if there are fewer, the most probable first; of equal ones the first.
    pub fn top(&self, count: usize) -> Vec<Guess<'_>> {
        let guesses = self.classes.iter().zip(&self.probabilities).enumerate();
        let mut guesses: Vec<_> = guesses
            .map(|(index, (class, &probability))| Guess {
                class,
                index,
                probability,
            })
            .collect();
        guesses.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        guesses.truncate(count);
        guesses
    }

    /// The probability of each class, in the order of the classes. They add up to 1.
    pub fn probabilities(&self) -> &[f32] {
        &self.probabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_come_first() {
        let classes = ["a", "b", "c", "d"].map(str::to_owned);
        let answer = Answer::new(vec![0.1, 0.4, 0.1, 0.4], Arc::new(classes));
        let names = |count| {
            let top = answer.top(count).into_iter();
            top.map(|guess| (guess.class, guess.index))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(0), []);
        assert_eq!(names(2), [("b", 1), ("d", 3)]);
        assert_eq!(names(9), [("b", 1), ("d", 3), ("a", 0), ("c", 2)]);
    }
}
