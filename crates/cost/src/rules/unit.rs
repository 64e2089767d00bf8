//! One scalar operation of each sort, to count with.

use crate::work::Work;

pub(super) const NOTHING: Work = Work {
    macs: 0,
    multiplications: 0,
    additions: 0,
    divisions: 0,
    comparisons: 0,
    elementary: 0,
    integer: 0,
    read: 0,
    written: 0,
};
pub(super) const ADDITION: Work = Work {
    additions: 1,
    ..NOTHING
};
pub(super) const MULTIPLICATION: Work = Work {
    multiplications: 1,
    ..NOTHING
};
pub(super) const DIVISION: Work = Work {
    divisions: 1,
    ..NOTHING
};
pub(super) const COMPARISON: Work = Work {
    comparisons: 1,
    ..NOTHING
};
pub(super) const ELEMENTARY: Work = Work {
    elementary: 1,
    ..NOTHING
};
pub(super) const INTEGER: Work = Work {
    integer: 1,
    ..NOTHING
};
