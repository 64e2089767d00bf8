//! Workers that are processes, on one machine or several, started by `mpirun`.
//!
//! MPI waits for ever for a process that does not come. So its operations are started without waiting and asked for
//! their end, each kind on a thread of its own ([`lane`]), while another thread exchanges signs of life ([`pulse`]).

mod lane;
mod pulse;

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use mpi::Threading;
use mpi::topology::{Communicator, SimpleCommunicator};

use super::error::{GroupError, Member};
use super::group::{Group, Sum};
use lane::{Job, Lane};
use pulse::{LANES, Note, Pulse, Vitals};

/// What is done on the way of a step: figures, statistics, networks.
const CONTROL: usize = 0;
/// Gradients, so that figures do not wait for them.
const GRADIENTS: usize = 1;

/// A group of processes that `mpirun` has started. A program has one at most.
#[derive(Debug)]
pub struct MpiGroup {
    rank: usize,
    places: Vec<String>,
    vitals: Arc<Vitals>,
    /// Until the group is dropped.
    lanes: Option<[Sender<Job>; LANES]>,
    pulse: Sender<Note>,
    /// Ends MPI.
    end: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

impl MpiGroup {
    /// The group of this process, or of it alone where `mpirun` has not started it. A process of which nothing is heard for
    /// `limit` ends all others, and so does one that lives but makes the others wait ten times as long.
    ///
    /// # Errors
    /// An MPI library that cannot be used, or was started before.
    pub fn start(limit: Duration) -> Result<Self, GroupError> {
        let (end, ended) = channel();
        let (sender, receiver) = channel();
        let anchor = spawn("mpi", move || {
            // Whoever starts MPI has to end it.
            let started = mpi::initialize_with_threading(Threading::Multiple);
            let Some((universe, threading)) = started else {
                return;
            };
            let _ = sender.send(threading);
            let _ = ended.recv();
            drop(universe);
        })?;
        let threading = receiver.recv();
        let threading = threading.map_err(|_| unavailable("MPI was started before"))?;
        if threading != Threading::Multiple {
            return Err(unavailable(
                "this MPI library cannot be used by several threads at once",
            ));
        }
        let world = SimpleCommunicator::world();
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        let vitals = Arc::new(Vitals::new(limit));
        let mut threads = Vec::new();
        let mut lanes = Vec::new();
        for index in 0..LANES {
            let (sender, jobs) = channel();
            let vitals = vitals.clone();
            threads.push(ready(&format!("mpi-lane-{index}"), move |ready| {
                Lane::new(index, jobs, vitals, ready).run();
            })?);
            lanes.push(sender);
        }
        let (pulse, notes) = channel();
        let of_pulse = vitals.clone();
        threads.push(ready("mpi-pulse", move |ready| {
            Pulse::new(of_pulse, notes, ready).run();
        })?);
        threads.push(anchor);
        let lanes: [Sender<Job>; LANES] = lanes
            .try_into()
            .map_err(|_| unavailable("too few threads"))?;
        let mut group = Self {
            rank,
            places: vec![String::new(); size],
            vitals,
            lanes: Some(lanes),
            pulse,
            end,
            threads,
        };
        let host = mpi::environment::processor_name().unwrap_or_default();
        let hosts = group.gather(host.into_bytes())?;
        group.places = hosts
            .iter()
            .map(|host| String::from_utf8_lossy(host).into_owned())
            .collect();
        group.vitals.know(&group.places);
        Ok(group)
    }

    /// Ends all processes of the group at once, this one too, with exit code 1: the way out of a
    /// [`GroupError`], behind which MPI cannot be ended in order.
    pub fn abort(&self) -> ! {
        SimpleCommunicator::world().abort(1)
    }

    /// Hands in a job and waits for what comes of it.
    fn done<T>(
        &self,
        lane: usize,
        job: impl FnOnce(lane::Reply<T>) -> Job,
    ) -> Result<T, GroupError> {
        let (reply, answer) = channel();
        self.hand_in(lane, job(reply))?;
        answer.recv().unwrap_or_else(|_| Err(over()))
    }

    fn hand_in(&self, lane: usize, job: Job) -> Result<(), GroupError> {
        let lanes = self.lanes.as_ref().ok_or_else(over)?;
        lanes[lane].send(job).map_err(|_| over())
    }
}

impl Group for MpiGroup {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.places.len()
    }

    fn member(&self, rank: usize) -> Member {
        let place = self.places.get(rank).cloned().unwrap_or_default();
        Member { rank, place }
    }

    fn begin_sum(&self, values: Vec<f32>) -> Result<Sum, GroupError> {
        let (reply, answer) = channel();
        self.hand_in(GRADIENTS, Job::Gradients(values, reply))?;
        Ok(Sum::coming(answer))
    }

    fn sum(&self, values: &mut [f64]) -> Result<(), GroupError> {
        let sums = self.done(CONTROL, |reply| Job::Sum(values.to_vec(), reply))?;
        values.copy_from_slice(&sums);
        Ok(())
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, GroupError> {
        self.done(CONTROL, |reply| Job::Broadcast(bytes, reply))
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, GroupError> {
        self.done(CONTROL, |reply| Job::Gather(bytes, reply))
    }

    fn leave(&self, reason: &str) {
        // Where that thread has ended, nobody can be told.
        let _ = self.pulse.send(Note::Leave(reason.to_owned()));
    }
}

impl Drop for MpiGroup {
    /// Ends MPI in order, when all have come here. Behind a failure it stays as it is: [`MpiGroup::abort`].
    fn drop(&mut self) {
        if std::thread::panicking() || self.gather(Vec::new()).is_err() {
            return;
        }
        self.lanes = None;
        let _ = self.pulse.send(Note::End);
        let anchor = self.threads.pop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        // Now that nobody uses MPI any more.
        let _ = self.end.send(());
        if let Some(anchor) = anchor {
            let _ = anchor.join();
        }
    }
}

fn unavailable(reason: &str) -> GroupError {
    GroupError::Unavailable(reason.to_owned())
}

fn over() -> GroupError {
    unavailable("the group has come to its end")
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, GroupError> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    let started = thread.spawn(work);
    started.map_err(|error| GroupError::Unavailable(format!("a thread cannot be started: {error}")))
}

/// Starts a thread that makes its communicator, and waits until it has: all processes have to make them one after the
/// other.
fn ready(
    name: &str,
    work: impl FnOnce(Sender<()>) + Send + 'static,
) -> Result<JoinHandle<()>, GroupError> {
    let (sender, receiver) = channel();
    let thread = spawn(name, move || work(sender))?;
    receiver.recv().map_err(|_| over())?;
    Ok(thread)
}
