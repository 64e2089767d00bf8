//! The bounds of a report, row by row.

use super::{Bound, Bounds, Peaks};
use crate::report::Report;

impl Report {
    /// The report with the least time of each row, and of the whole, on a machine with these
    /// peaks.
    ///
    /// A row is taken as one piece of work, so ask the report for bounds before it is
    /// [folded](Report::folded), not after: a folded row's bound is then the sum of those that it
    /// is made of, which is nearer to the truth.
    #[must_use]
    pub fn with_bounds(mut self, peaks: Peaks) -> Self {
        let mut sum = Bound::default();
        for row in &mut self.rows {
            let bound = Bound::of(&row.work, &peaks);
            sum += bound;
            row.bound = Some(bound);
        }
        self.bounds = Some(Bounds {
            peaks,
            sum,
            arithmetic_alone: peaks.arithmetic(&self.total.work),
            memory_alone: peaks.memory(&self.total.work),
        });
        self
    }
}
