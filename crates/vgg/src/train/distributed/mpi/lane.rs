//! Operations of all processes, one after the other, on a thread and a communicator of their own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use mpi::collective::{CommunicatorCollectives, Root, SystemOperation};
use mpi::request::{Request, Scope, scope};
use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::Equivalence;

use super::pulse::Vitals;
use crate::train::distributed::error::GroupError;

/// Where what comes of a job goes.
pub(super) type Reply<T> = Sender<Result<T, GroupError>>;

/// Something that all processes do.
pub(super) enum Job {
    Gradients(Vec<f32>, Reply<Vec<f32>>),
    Sum(Vec<f64>, Reply<Vec<f64>>),
    Broadcast(Vec<u8>, Reply<Vec<u8>>),
    Gather(Vec<u8>, Reply<Vec<Vec<u8>>>),
}

impl Job {
    fn refuse(self, error: GroupError) {
        // Who has gone does not ask any more.
        let _ = match self {
            Self::Gradients(_, reply) => reply.send(Err(error)).is_ok(),
            Self::Sum(_, reply) => reply.send(Err(error)).is_ok(),
            Self::Broadcast(_, reply) => reply.send(Err(error)).is_ok(),
            Self::Gather(_, reply) => reply.send(Err(error)).is_ok(),
        };
    }
}

/// Numbers that are added up at once: what stays in a processor's cache, and for which the MPI library takes memory that it
/// has had before.
const SUMMED: usize = 1 << 18;

/// Bytes that are broadcast at once: MPI counts with 31 bits.
const PIECE: usize = 1 << 26;

/// For so long after an operation began its end is asked for without a pause.
const EAGER: Duration = Duration::from_micros(200);
/// And then so often: each time takes the processor from the layers.
const PAUSE: Duration = Duration::from_micros(50);

/// The thread of one kind of operations.
pub(super) struct Lane {
    index: usize,
    jobs: Receiver<Job>,
    vitals: Arc<Vitals>,
    world: SimpleCommunicator,
}

impl Lane {
    /// To be made by all processes at the same time.
    pub(super) fn new(
        index: usize,
        jobs: Receiver<Job>,
        vitals: Arc<Vitals>,
        ready: Sender<()>,
    ) -> Self {
        let world = SimpleCommunicator::world().duplicate();
        let _ = ready.send(());
        Self {
            index,
            jobs,
            vitals,
            world,
        }
    }

    /// Until nobody can hand in a job any more.
    pub(super) fn run(self) {
        // Used for all gradients: memory that is new each time costs as much as what is done with it.
        let mut sums = Vec::new();
        while let Ok(job) = self.jobs.recv() {
            match job {
                Job::Gradients(mut values, reply) => {
                    self.sum(&mut values, &mut sums, &reply);
                    let _ = reply.send(Ok(values));
                }
                Job::Sum(mut values, reply) => {
                    self.sum(&mut values, &mut Vec::new(), &reply);
                    let _ = reply.send(Ok(values));
                }
                Job::Broadcast(bytes, reply) => {
                    let bytes = self.broadcast(bytes, &reply);
                    let _ = reply.send(Ok(bytes));
                }
                Job::Gather(bytes, reply) => {
                    let all = self.gather(&bytes, &reply);
                    let _ = reply.send(Ok(all));
                }
            }
        }
    }

    /// Puts the sums of all processes' values in their place.
    fn sum<N: Equivalence + Default + Copy, T>(
        &self,
        values: &mut [N],
        sums: &mut Vec<N>,
        reply: &Reply<T>,
    ) {
        for piece in values.chunks_mut(SUMMED) {
            sums.resize(piece.len().max(sums.len()), N::default());
            let sums = &mut sums[..piece.len()];
            scope(|scope| {
                let (from, to) = (&*piece, &mut sums[..]);
                let sum = SystemOperation::sum();
                let request = self.world.immediate_all_reduce_into(scope, from, to, sum);
                self.complete(request, reply);
            });
            piece.copy_from_slice(sums);
        }
    }

    fn broadcast<T>(&self, mut bytes: Vec<u8>, reply: &Reply<T>) -> Vec<u8> {
        let root = self.world.process_at_rank(0);
        let mut length = [bytes.len() as u64];
        scope(|scope| {
            let request = root.immediate_broadcast_into(scope, &mut length[..]);
            self.complete(request, reply);
        });
        bytes.resize(length[0] as usize, 0);
        for piece in bytes.chunks_mut(PIECE) {
            scope(|scope| self.complete(root.immediate_broadcast_into(scope, piece), reply));
        }
        bytes
    }

    /// Of a few bytes each: all get as many as the longest has.
    fn gather<T>(&self, bytes: &[u8], reply: &Reply<T>) -> Vec<Vec<u8>> {
        let size = self.world.size() as usize;
        let length = [bytes.len() as u64];
        let mut lengths = vec![0u64; size];
        scope(|scope| {
            let (from, to) = (&length[..], &mut lengths[..]);
            let request = self.world.immediate_all_gather_into(scope, from, to);
            self.complete(request, reply);
        });
        let longest = lengths.iter().copied().max().unwrap_or(0) as usize;
        if longest == 0 {
            return vec![Vec::new(); size];
        }
        let mut padded = bytes.to_vec();
        padded.resize(longest, 0);
        let mut all = vec![0u8; longest * size];
        scope(|scope| {
            let (from, to) = (&padded[..], &mut all[..]);
            let request = self.world.immediate_all_gather_into(scope, from, to);
            self.complete(request, reply);
        });
        let each = all.chunks_exact(longest).zip(&lengths);
        each.map(|(bytes, &length)| bytes[..length as usize].to_vec())
            .collect()
    }

    /// Asks for the end of an operation until it is there. If a process is lost meanwhile, there will be none: `reply` gets
    /// the error, and so does every later job.
    fn complete<'a, D: ?Sized, S: Scope<'a>, T>(
        &self,
        mut request: Request<'a, D, S>,
        reply: &Reply<T>,
    ) {
        let start = Instant::now();
        self.vitals.enter(self.index);
        loop {
            request = match request.test() {
                Ok(_) => return self.vitals.leave(self.index),
                Err(request) => request,
            };
            if let Some(error) = self.vitals.failure() {
                let _ = reply.send(Err(error.clone()));
                self.refuse_for_ever(&error);
            }
            match start.elapsed() < EAGER {
                true => std::thread::yield_now(),
                false => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Never returns: MPI may still write to the buffers of the operation that has no end.
    fn refuse_for_ever(&self, error: &GroupError) -> ! {
        loop {
            match self.jobs.recv() {
                Ok(job) => job.refuse(error.clone()),
                Err(_) => std::thread::park(),
            }
        }
    }
}
