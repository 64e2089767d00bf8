//! What workers that train one network do together.

use std::fmt::Debug;
use std::sync::mpsc::{Receiver, channel};

use super::error::{GroupError, Member};

/// A group of workers that train one network together, each with a part of every batch: the threads of a process
/// ([`threads`](super::threads)) or processes on one or more machines.
///
/// All workers call the same methods in the same order; a call returns when all have made it. Once a call has failed, all
/// later ones fail, and the others' too.
pub trait Group: Debug + Send + Sync {
    /// The number of this worker, from 0. Rank 0 keeps the run's folder and tells its progress.
    fn rank(&self) -> usize;

    /// How many workers there are.
    fn size(&self) -> usize;

    /// The worker of this number, for messages.
    fn member(&self, rank: usize) -> Member;

    /// Starts to add up the values of all workers, each of which gives as many. The sums are the same ones, to the
    /// last bit, for each of them.
    ///
    /// # Errors
    /// A worker that is lost.
    fn begin_sum(&self, values: Vec<f32>) -> Result<Sum, GroupError>;

    /// Puts the sums of all workers' values in their place.
    ///
    /// # Errors
    /// A worker that is lost.
    fn sum(&self, values: &mut [f64]) -> Result<(), GroupError>;

    /// What rank 0 gives, for all; the others' bytes do not count.
    ///
    /// # Errors
    /// A worker that is lost.
    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, GroupError>;

    /// What each worker gives, in the order of ranks, for all.
    ///
    /// # Errors
    /// A worker that is lost.
    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, GroupError>;

    /// Tells the others that this worker will not go on, and why, as far as they can be reached.
    fn leave(&self, reason: &str);
}

/// Sums that are being computed, [`Group::begin_sum`].
#[derive(Debug)]
pub struct Sum(Receiver<Result<Vec<f32>, GroupError>>);

impl Sum {
    /// Sums that `receiver` will get.
    pub fn coming(receiver: Receiver<Result<Vec<f32>, GroupError>>) -> Self {
        Self(receiver)
    }

    /// Sums that are there.
    pub fn done(values: Vec<f32>) -> Self {
        let (sender, receiver) = channel();
        // The receiver is right here.
        let _ = sender.send(Ok(values));
        Self(receiver)
    }

    /// The sums, when they are there.
    ///
    /// # Errors
    /// A worker that is lost.
    pub fn wait(self) -> Result<Vec<f32>, GroupError> {
        let gone = || GroupError::Unavailable("the thread that adds up has ended".to_owned());
        self.0.recv().unwrap_or_else(|_| Err(gone()))
    }
}

/// One worker alone.
#[derive(Debug, Clone, Copy)]
pub struct Solo;

impl Group for Solo {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn member(&self, rank: usize) -> Member {
        let place = "this process".to_owned();
        Member { rank, place }
    }

    fn begin_sum(&self, values: Vec<f32>) -> Result<Sum, GroupError> {
        Ok(Sum::done(values))
    }

    fn sum(&self, _: &mut [f64]) -> Result<(), GroupError> {
        Ok(())
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, GroupError> {
        Ok(bytes)
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, GroupError> {
        Ok(vec![bytes])
    }

    fn leave(&self, _: &str) {}
}
