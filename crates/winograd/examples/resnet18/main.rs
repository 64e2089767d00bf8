//! ResNet-18 with Burn's own convolutions, with this crate's in their place, and prepared for inference.
//!
//! `cargo run --release -p winograd --features burn --example resnet18 -- [--threads N] [--batch N]
//! [--rounds N] [--side PIXELS] [--peer 'python3 scripts/resnet18_peer.py']`
//!
//! All take their turns in rounds. A peer is a program that is called with threads, batch and side at its end,
//! computes the network once for each line that it is sent, and answers with the milliseconds that it took.

mod model;
mod peer;

use std::time::Instant;

use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Distribution, Tensor};
use winograd::burn::Conv2dExt;

use model::{PreparedResNet, ResNet};
use peer::Peer;

const USAGE: &str =
    "resnet18 [--threads N] [--batch N] [--rounds N] [--side PIXELS] [--peer PROGRAM]";

struct Args {
    threads: usize,
    batch: usize,
    rounds: usize,
    side: usize,
    peer: Option<String>,
}

impl Args {
    fn parse() -> Result<Self, String> {
        let mut args = Self {
            threads: 1,
            batch: 1,
            rounds: 11,
            side: 224,
            peer: None,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(USAGE)?;
            let number = || match value.parse() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(format!("{word} {value}: expected a number above zero")),
            };
            match word.as_str() {
                "--threads" => args.threads = number()?,
                "--batch" => args.batch = number()?,
                "--rounds" => args.rounds = number()?,
                "--side" => args.side = number()?,
                "--peer" => args.peer = Some(value),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(args)
    }
}

fn main() -> std::process::ExitCode {
    console::code(Args::parse().map_err(Into::into).and_then(run))
}

fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()?;
    let device = Device::flex();
    device.seed(0);
    let network = ResNet::new(64, 1000, &device);
    let prepared = PreparedResNet::new(&network)?;
    let shape = [args.batch, 3, args.side, args.side];
    let images = Tensor::<4>::random(shape, Distribution::Normal(0.0, 1.0), &device);

    let burn = || network.forward(images.clone(), Conv2d::forward);
    let winograd = || network.forward(images.clone(), Conv2d::forward_winograd);
    let prepared = || prepared.forward(images.clone());
    let expected = burn();
    let scale: f32 = expected.clone().abs().max().into_scalar();
    console::say!("largest difference of the logits, whose largest is {scale:.2}");
    for (name, found) in [("winograd", winograd()), ("prepared", prepared())] {
        let difference: f32 = (found - expected.clone()).abs().max().into_scalar();
        console::say!("  {name:10} {difference:.1e}");
    }

    let runs: [(&str, &dyn Fn() -> Tensor<2>); 3] = [
        ("burn", &burn),
        ("winograd", &winograd),
        ("prepared", &prepared),
    ];
    let mut times = vec![Vec::new(); runs.len()];
    let mut peer = match &args.peer {
        Some(program) => Some(Peer::start(program, [args.threads, args.batch, args.side])?),
        None => None,
    };
    let mut peer_times = Vec::new();
    for _ in 0..args.rounds {
        for ((_, run), times) in runs.iter().zip(&mut times) {
            times.push(milliseconds(run));
        }
        if let Some(peer) = &mut peer {
            peer_times.push(peer.milliseconds()?);
        }
    }
    console::say!(
        "milliseconds, batch {}, {} threads, {} rounds",
        args.batch,
        args.threads,
        args.rounds
    );
    console::say!("  {:10} {:>8} {:>8} {:>8}", "", "median", "least", "most");
    for ((name, _), times) in runs.iter().zip(times) {
        report(name, times);
    }
    if !peer_times.is_empty() {
        report("peer", peer_times);
    }
    Ok(())
}

fn milliseconds(run: &dyn Fn() -> Tensor<2>) -> f64 {
    let start = Instant::now();
    drop(run());
    start.elapsed().as_secs_f64() * 1e3
}

fn report(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let (least, most) = (times[0], times[times.len() - 1]);
    let median = times[times.len() / 2];
    console::say!("  {name:10} {median:8.2} {least:8.2} {most:8.2}");
}
