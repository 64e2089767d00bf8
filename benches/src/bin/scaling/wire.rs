//! Two workers of one process with a wire between them that takes its time.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use vgg::train::distributed::{Group, GroupError, Member, Sum, threads};

/// Where sums go.
type Reply = Sender<Result<Vec<f32>, GroupError>>;

/// Values, and where their sums go.
type Job = (Vec<f32>, Reply);

/// From when and for how long sums are on the wire, and where they go then.
type Load = (Instant, Duration, Result<Vec<f32>, GroupError>, Reply);

/// A worker whose gradients go over a wire of so many bytes a second, one bucket behind the other, while it goes on.
#[derive(Debug)]
struct Wired {
    /// For figures.
    control: Arc<dyn Group>,
    gradients: Sender<Job>,
}

/// Two workers, with a wire of this speed or with none.
pub fn workers(bytes_per_second: Option<f64>) -> Vec<Arc<dyn Group>> {
    let places = ["one", "other"].map(str::to_owned);
    let group = || threads(&places, Duration::from_secs(600));
    let pairs = group().into_iter().zip(group());
    let wired = |(control, gradients): (Arc<dyn Group>, Arc<dyn Group>)| {
        let (sender, jobs) = channel::<Job>();
        let (onto_wire, wire) = channel();
        std::thread::spawn(move || {
            for (values, reply) in jobs {
                // Each of two workers sends and receives as many bytes as there are.
                let bytes = (values.len() * size_of::<f32>()) as f64;
                let seconds = bytes_per_second.map_or(0.0, |speed| bytes / speed);
                let ready = Instant::now();
                let sum = gradients.begin_sum(values).and_then(Sum::wait);
                // Nobody waits for it where a training has failed.
                let _ = onto_wire.send((ready, Duration::from_secs_f64(seconds), sum, reply));
            }
        });
        std::thread::spawn(move || carry(wire));
        Arc::new(Wired {
            control,
            gradients: sender,
        }) as Arc<dyn Group>
    };
    pairs.map(wired).collect()
}

/// Hands out sums when a wire would have carried them: one behind the other, while others are being added up.
fn carry(wire: Receiver<Load>) {
    let mut free = Instant::now();
    for (ready, takes, sum, reply) in wire {
        free = free.max(ready) + takes;
        std::thread::sleep(free.saturating_duration_since(Instant::now()));
        let _ = reply.send(sum);
    }
}

impl Group for Wired {
    fn rank(&self) -> usize {
        self.control.rank()
    }

    fn size(&self) -> usize {
        self.control.size()
    }

    fn member(&self, rank: usize) -> Member {
        self.control.member(rank)
    }

    fn begin_sum(&self, values: Vec<f32>) -> Result<Sum, GroupError> {
        let (reply, answer) = channel();
        let gone = |_| GroupError::Unavailable("the wire is gone".to_owned());
        self.gradients.send((values, reply)).map_err(gone)?;
        Ok(Sum::coming(answer))
    }

    fn sum(&self, values: &mut [f64]) -> Result<(), GroupError> {
        self.control.sum(values)
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Result<Vec<u8>, GroupError> {
        self.control.broadcast(bytes)
    }

    fn gather(&self, bytes: Vec<u8>) -> Result<Vec<Vec<u8>>, GroupError> {
        self.control.gather(bytes)
    }

    fn leave(&self, reason: &str) {
        self.control.leave(reason);
    }
}
