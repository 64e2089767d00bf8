//! What can go wrong between workers.

use std::fmt;

use thiserror::Error;

/// One worker of a group, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number, from 0.
    pub rank: usize,
    /// Where it is: the name of its machine or device.
    pub place: String,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank {} ({})", self.rank, self.place)
    }
}

impl GroupError {
    /// The worker that it is about, if it is about one.
    pub fn member(&self) -> Option<&Member> {
        match self {
            Self::Silent { member, .. }
            | Self::Late { member, .. }
            | Self::Ended { member, .. }
            | Self::Disagrees { member, .. } => Some(member),
            Self::Stalled { .. } | Self::Unavailable(_) => None,
        }
    }
}

/// Workers that cannot go on together. All of them have to end: none can do without another.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GroupError {
    /// A worker is dead, stopped, or cut off.
    #[error("{member} has given no sign of life for {seconds} s")]
    Silent {
        /// Who it is.
        member: Member,
        /// For so long.
        seconds: u64,
    },
    /// A worker lives, but is not where the others wait for it.
    #[error("the others have waited {seconds} s for {member}, which lives but does not come")]
    Late {
        /// Who it is.
        member: Member,
        /// For so long.
        seconds: u64,
    },
    /// All workers have come, and yet what they do together has no end.
    #[error(
        "what all ranks do together has not come to an end in {seconds} s: is the network down?"
    )]
    Stalled {
        /// For so long.
        seconds: u64,
    },
    /// A worker has ended on an error of its own.
    #[error("{member} has ended: {reason}")]
    Ended {
        /// Who it is.
        member: Member,
        /// Its error.
        reason: String,
    },
    /// A worker was not started as the first one was.
    #[error("{member} has {what} {there}, rank 0 has {here}; all ranks need the same")]
    Disagrees {
        /// Who it is.
        member: Member,
        /// What differs.
        what: &'static str,
        /// As rank 0 has it.
        here: String,
        /// As the worker has it.
        there: String,
    },
    /// There is no way between the workers.
    #[error("{0}")]
    Unavailable(String),
}
