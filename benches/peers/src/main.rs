//! Frameworks in Rust, timed for `compare`. scripts/peers.py calls this program:
//!
//!     peers about PEER
//!     peers run PEER THREADS WORKLOAD MODEL BATCH [ONNX FILE]
//!
//! PEER is candle, rten or tract; MODEL is vgg16, vgg16bn, vgg19 or small, the 28×28 network. All compute in f32.

mod candle;
mod measure;
mod onnx;

use std::error::Error;
use std::process::ExitCode;

use measure::Job;

const PEERS: [&str; 3] = ["candle", "rten", "tract"];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match *arguments {
        ["about", peer] => {
            println!("{}", about(peer)?);
            Ok(())
        }
        ["run", peer, threads, workload, model, batch, ref file @ ..] => {
            let job = Job {
                peer,
                threads: threads.parse()?,
                workload,
                model,
                batch: batch.parse()?,
            };
            println!("{peer}\tabout\t{}", about(peer)?);
            match (peer, file) {
                ("candle", []) => candle::run(&job),
                ("rten", [file]) => onnx::rten(&job, file),
                ("tract", [file]) => onnx::tract(&job, file),
                _ => Err("candle takes no file, rten and tract an ONNX file".into()),
            }
        }
        _ => Err(
            "peers about PEER, or peers run PEER THREADS WORKLOAD MODEL BATCH [ONNX FILE]".into(),
        ),
    }
}

/// What a framework is, in a line.
fn about(peer: &str) -> Result<String, String> {
    match peer {
        "candle" => Ok(format!("candle {}, f32", env!("VERSION_CANDLE_CORE"))),
        "rten" => Ok(format!(
            "rten {}, f32, weights packed when loaded",
            env!("VERSION_RTEN")
        )),
        "tract" => Ok(format!(
            "tract {}, f32, optimised for the batch",
            env!("VERSION_TRACT_ONNX")
        )),
        _ => Err(format!("unknown peer {peer}: {}", PEERS.join(", "))),
    }
}
