//! Signs of life: each process tells all others, several times within the limit, how far it is.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mpi::topology::{Communicator, SimpleCommunicator};
use mpi::traits::{Destination, MatchedReceiveVec, Source};

use crate::train::distributed::error::{GroupError, Member};

/// Kinds of operations, each with a thread and a communicator of its own.
pub(super) const LANES: usize = 2;

/// A process that lives may make the others wait for so many times the limit: it may read data or compile kernels.
const PATIENCE: u32 = 10;

/// Tags of messages: how many operations the sender has begun, or why it leaves.
const BEGUN: i32 = 1;
const LEAVING: i32 = 2;

/// How this process and the group are.
#[derive(Debug)]
pub(super) struct Vitals {
    limit: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    places: Vec<String>,
    /// Operations that were begun on each lane.
    begun: [u64; LANES],
    /// Since when a lane waits for the end of one.
    since: [Option<Instant>; LANES],
    failed: Option<GroupError>,
}

impl Vitals {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By which names messages call the processes.
    pub(super) fn know(&self, places: &[String]) {
        self.lock().places = places.to_vec();
    }

    /// An operation begins on a lane.
    pub(super) fn enter(&self, lane: usize) {
        let mut state = self.lock();
        state.begun[lane] += 1;
        state.since[lane] = Some(Instant::now());
    }

    /// It has come to its end.
    pub(super) fn leave(&self, lane: usize) {
        self.lock().since[lane] = None;
    }

    /// What has ended the group.
    pub(super) fn failure(&self) -> Option<GroupError> {
        self.lock().failed.clone()
    }
}

impl State {
    fn member(&self, rank: usize) -> Member {
        let place = self.places.get(rank).cloned().unwrap_or_default();
        Member { rank, place }
    }
}

/// What the thread of the signs of life is told.
pub(super) enum Note {
    /// This process leaves, for this reason.
    Leave(String),
    /// All are at their end.
    End,
}

/// What is known of another process.
struct Other {
    rank: usize,
    seen: Instant,
    begun: [u64; LANES],
}

/// The thread.
pub(super) struct Pulse {
    vitals: Arc<Vitals>,
    notes: Receiver<Note>,
    world: SimpleCommunicator,
    others: Vec<Other>,
}

impl Pulse {
    /// To be made by all processes at the same time.
    pub(super) fn new(vitals: Arc<Vitals>, notes: Receiver<Note>, ready: Sender<()>) -> Self {
        let world = SimpleCommunicator::world().duplicate();
        let _ = ready.send(());
        let own = world.rank();
        let ranks = (0..world.size()).filter(|&rank| rank != own);
        let others = ranks.map(|rank| Other {
            rank: rank as usize,
            seen: Instant::now(),
            begun: [0; LANES],
        });
        Self {
            others: others.collect(),
            vitals,
            notes,
            world,
        }
    }

    /// Until all are at their end, or the group has failed.
    pub(super) fn run(mut self) {
        let limit = self.vitals.limit;
        let interval = (limit / 8).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let mut last = Instant::now();
        loop {
            let begun = self.vitals.lock().begun;
            for other in &self.others {
                self.process(other).send_with_tag(&begun[..], BEGUN);
            }
            self.listen();
            if last.elapsed() > limit / 2 {
                // It was stopped itself, and cannot tell who was not.
                self.others
                    .iter_mut()
                    .for_each(|other| other.seen = Instant::now());
            }
            last = Instant::now();
            if let Some(error) = self.lost() {
                self.vitals.lock().failed.get_or_insert(error);
            }
            if self.vitals.failure().is_some() {
                return;
            }
            match self.notes.recv_timeout(interval) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Note::Leave(reason)) => {
                    for other in &self.others {
                        self.process(other)
                            .send_with_tag(reason.as_bytes(), LEAVING);
                    }
                    return;
                }
                Ok(Note::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn process(&self, other: &Other) -> mpi::topology::Process<'_> {
        self.world.process_at_rank(other.rank as i32)
    }

    /// Takes what has arrived.
    fn listen(&mut self) {
        let any = self.world.any_process();
        while let Some(message) = any.immediate_matched_probe_with_tag(BEGUN) {
            let (begun, status) = message.matched_receive_vec::<u64>();
            let sender = status.source_rank() as usize;
            let of_sender = self.others.iter_mut().find(|other| other.rank == sender);
            if let (Some(other), Ok(begun)) = (of_sender, begun.try_into()) {
                other.seen = Instant::now();
                other.begun = begun;
            }
        }
        if let Some(message) = any.immediate_matched_probe_with_tag(LEAVING) {
            let (reason, status) = message.matched_receive_vec::<u8>();
            let mut state = self.vitals.lock();
            let member = state.member(status.source_rank() as usize);
            let reason = String::from_utf8_lossy(&reason).into_owned();
            state
                .failed
                .get_or_insert(GroupError::Ended { member, reason });
        }
    }

    /// Who is lost.
    fn lost(&self) -> Option<GroupError> {
        let (state, limit) = (self.vitals.lock(), self.vitals.limit);
        let silent = self
            .others
            .iter()
            .find(|other| other.seen.elapsed() > limit);
        if let Some(other) = silent {
            return Some(GroupError::Silent {
                member: state.member(other.rank),
                seconds: limit.as_secs(),
            });
        }
        let longest = limit * PATIENCE;
        let waits = |since: &Option<Instant>| since.is_some_and(|since| since.elapsed() > longest);
        let lane = state.since.iter().position(waits)?;
        let seconds = longest.as_secs();
        let behind = self.others.iter().min_by_key(|other| other.begun[lane])?;
        Some(match behind.begun[lane] < state.begun[lane] {
            true => GroupError::Late {
                member: state.member(behind.rank),
                seconds,
            },
            false => GroupError::Stalled { seconds },
        })
    }
}
