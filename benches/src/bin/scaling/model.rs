//! What the parts of a step come to with many workers.

/// Parts of one worker's step, in seconds, and the bytes of its gradients.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub forward: f64,
    pub backward: f64,
    /// From the start of the backward pass to the gradients of the linear layers, the first that go out.
    pub head: f64,
    pub optimizer: f64,
    pub bytes: f64,
}

/// A network between workers.
struct Network {
    name: &'static str,
    /// Bytes a second, each way.
    speed: f64,
    /// Seconds that a message takes at least.
    latency: f64,
}

/// What is left of the wire's nominal speed behind the protocols' headers.
const PAYLOAD: f64 = 0.94;

const NETWORKS: [Network; 3] = [
    Network {
        name: "1 GbE",
        speed: 0.125e9 * PAYLOAD,
        latency: 50e-6,
    },
    Network {
        name: "10 GbE",
        speed: 1.25e9 * PAYLOAD,
        latency: 20e-6,
    },
    Network {
        name: "100 GbE",
        speed: 12.5e9 * PAYLOAD,
        latency: 5e-6,
    },
];

/// Bytes that are added up at once.
const BUCKET: f64 = 4.0 * 1024.0 * 1024.0;

const WORKERS: [usize; 8] = [2, 4, 8, 16, 32, 64, 128, 256];

impl Step {
    fn alone(&self) -> f64 {
        self.forward + self.backward + self.optimizer
    }

    /// Seconds of a step of `workers` together: each sends and receives 2 · (n − 1)/n of the gradients around a ring, a
    /// bucket in 2 · (n − 1) turns, from when the first gradients are there.
    fn together(&self, workers: usize, network: &Network) -> f64 {
        let turns = 2.0 * (workers - 1) as f64;
        let wire = turns / workers as f64 * self.bytes / network.speed;
        let waits = turns * network.latency * (self.bytes / BUCKET).ceil();
        self.forward + self.backward.max(self.head + wire + waits) + self.optimizer
    }
}

/// What was measured, and the part of the ideal speed that is left with each number of workers.
pub fn table(name: &str, batch: usize, step: &Step) -> String {
    let mut text = format!(
        "{name}, {batch} images a worker: forward {:.3} s, backward {:.3} s (linear layers {:.3} s), optimizer {:.3} s; \
         {:.0} MB of gradients\nworkers",
        step.forward,
        step.backward,
        step.head,
        step.optimizer,
        step.bytes / 1e6
    );
    for workers in WORKERS {
        text += &format!("{workers:>7}");
    }
    for network in &NETWORKS {
        text += &format!("\n{:7}", network.name);
        for workers in WORKERS {
            text += &format!(
                "{:6.0}%",
                100.0 * step.alone() / step.together(workers, network)
            );
        }
    }
    text + "\n\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_backward_pass_hides_costs_nothing_and_the_rest_does() {
        let step = Step {
            forward: 1.0,
            backward: 2.0,
            head: 0.5,
            optimizer: 0.0,
            bytes: 1e9,
        };
        let network = |speed| Network {
            name: "",
            speed,
            latency: 0.0,
        };
        assert_eq!(step.together(2, &network(1e9)), step.alone());
        // Two seconds on the wire, half a second behind the start of the backward pass.
        assert_eq!(step.together(2, &network(0.5e9)), 3.5);
        assert!(step.together(256, &network(0.5e9)) < 1.0 + 0.5 + 4.0);
    }
}
