//! How the images of a training come in: how long it waits for them, and which could not be used.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::data::DataError;

/// What a loader and the copies of it tell of their images.
#[derive(Debug, Default)]
pub(super) struct Supply {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Of the last epoch that has ended: the part of its time that was spent waiting.
    waiting: Option<f64>,
    /// Images that others took the place of since the last report, and the path of the first one.
    broken: usize,
    first: Option<String>,
    /// What ended the training.
    failure: Option<DataError>,
}

impl Supply {
    /// An epoch has taken so long, and has waited so long for its images.
    pub(super) fn epoch(&self, waited: Duration, whole: Duration) {
        let part = waited.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE);
        self.told(|told| told.waiting = Some(part));
    }

    /// An image cannot be used, and is passed over.
    pub(super) fn broken(&self, error: &DataError) {
        if let DataError::Image { path, .. } = error {
            self.told(|told| {
                told.broken += 1;
                told.first
                    .get_or_insert_with(|| format!("{:?}", path.display().to_string()));
            });
        }
    }

    /// An error that ends the training: burn-train passes on no more than its words.
    pub(super) fn fail(&self, error: DataError) {
        self.told(|told| {
            told.failure.get_or_insert(error);
        });
    }

    /// The error that ended the training.
    pub(super) fn take_failure(&self) -> Option<DataError> {
        self.told(|told| told.failure.take())
    }

    /// What is to be said behind an epoch, once; nothing where the images are in memory.
    pub(super) fn report(&self) -> String {
        let told = self.told(|told| {
            let failure = told.failure.take();
            std::mem::replace(
                told,
                Told {
                    failure,
                    ..Told::default()
                },
            )
        });
        let waiting = told.waiting.map(|part| {
            let percent = (100.0 * part).round();
            format!(", {percent} % waiting for images")
        });
        let broken = told.first.map(|first| match told.broken {
            1 => format!("; a broken image was replaced: {first}"),
            count => format!("; {count} broken images were replaced, the first: {first}"),
        });
        waiting.unwrap_or_default() + &broken.unwrap_or_default()
    }

    fn told<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_to_say_is_said_once() {
        let supply = Supply::default();
        assert_eq!(supply.report(), "");
        supply.epoch(Duration::from_secs(3), Duration::from_secs(60));
        assert_eq!(supply.report(), ", 5 % waiting for images");
        assert_eq!(supply.report(), "");
        let broken = |name: &str| DataError::Image {
            path: name.into(),
            reason: "broken".to_owned(),
        };
        supply.broken(&broken("a\n.png"));
        supply.epoch(Duration::ZERO, Duration::from_secs(60));
        assert_eq!(
            supply.report(),
            ", 0 % waiting for images; a broken image was replaced: \"a\\n.png\""
        );
        supply.broken(&broken("b.png"));
        supply.broken(&broken("c.png"));
        let said = "; 2 broken images were replaced, the first: \"b.png\"";
        assert_eq!(supply.report(), said);
    }
}
