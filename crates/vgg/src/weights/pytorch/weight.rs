//! What the objects of a pickle come to in memory.

use std::io;

use super::read::broken;

/// Bytes of a place on the reader's stack, in a list or in its memo, rounded up.
pub(super) const PLACE: u64 = 128;
/// Bytes of a container or class beside its place: its first allocation.
const BOX: u64 = 384;
/// Bytes of a tensor beside its name.
const TENSOR: u64 = 768;
/// No container is deeper: the reader's own limit.
pub(super) const MOST_DEPTH: u32 = 1000;

/// How many bytes the reader may come to hold, over all pickles of a file.
#[derive(Debug)]
pub(super) struct Budget {
    pub(super) left: u64,
    most: u64,
}

impl Budget {
    pub(super) fn new(most: u64) -> Self {
        Self { left: most, most }
    }

    pub(super) fn spend(&mut self, bytes: u64) -> io::Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => {
                return Err(broken(format!(
                    "its pickle would take more than {} MB of memory, which no VGG needs",
                    self.most >> 20
                )));
            }
        }
        Ok(())
    }
}

/// What an object on the stack amounts to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    /// Bytes that the object and all in it take.
    pub(super) bytes: u64,
    /// Tensors in it, and bytes of their names inside it: each gets the keys that lead to it.
    pub(super) tensors: u64,
    pub(super) names: u64,
    /// The longest text in it, which may become a key.
    pub(super) text: u64,
    pub(super) depth: u32,
}

impl Weight {
    pub(super) fn text(length: u64) -> Self {
        Self {
            bytes: PLACE + length,
            text: length,
            ..Self::default()
        }
    }

    /// An empty tuple, list or dictionary.
    pub(super) fn container() -> Self {
        Self {
            bytes: PLACE + BOX,
            ..Self::default()
        }
    }

    /// A class, whose names have so many bytes.
    pub(super) fn class(length: u64) -> Self {
        Self {
            bytes: PLACE + BOX + length,
            ..Self::default()
        }
    }

    /// This with `other` inside, whose key, if it has one, is of `key` bytes.
    pub(super) fn holding(self, other: Self, key: u64) -> Self {
        let names = other.tensors.saturating_mul(key + 1);
        Self {
            bytes: self.bytes + other.bytes,
            tensors: self.tensors + other.tensors,
            names: (self.names + other.names).saturating_add(names),
            text: self.text.max(other.text),
            depth: self.depth.max(other.depth + 1),
        }
    }

    /// What calling `callable` makes, at the most: a tensor, or a dictionary of the texts and tensors in
    /// its argument.
    pub(super) fn made(callable: Self, argument: Self) -> Self {
        let key = argument.text.max(callable.text);
        let made = callable.holding(argument, key);
        Self {
            bytes: made.bytes + TENSOR,
            tensors: made.tensors.max(1),
            depth: callable.depth.max(argument.depth),
            ..made
        }
    }
}
