//! The first call of a backend: kernels are compiled, and memory is taken that later calls find.

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::Instant;

use benches::{Call, Workload, peak_memory};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use vgg::Engine;

/// What it took.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FirstCall {
    /// With drawing the weights.
    pub(crate) milliseconds: f64,
    /// Bytes of this process, on top of what it held before.
    pub(crate) peak_memory: Option<u64>,
}

/// Makes the network and calls it once.
pub(crate) fn make(
    workload: &Workload,
    backend: &str,
    device: &Device,
    engine: Engine,
) -> Result<Call, Box<dyn Error>> {
    vgg::check_tensor(backend, workload.config.largest_weight_bytes())?;
    quietly(backend, || {
        let mut call = workload.call(device, engine)?;
        call()?;
        Ok(call)
    })
}

/// What [`make`] takes in this process.
pub(crate) fn measure(
    workload: &Workload,
    backend: &str,
    device: &Device,
    engine: Engine,
) -> Result<FirstCall, Box<dyn Error>> {
    let (before, start) = (peak_memory(), Instant::now());
    let _call = make(workload, backend, device, engine)?;
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    let taken = peak_memory().zip(before);
    Ok(FirstCall {
        milliseconds,
        peak_memory: taken.map(|(peak, before)| peak - before),
    })
}

/// [`measure`] in another process, which has neither kernels nor memory from what was before.
pub(crate) fn in_own_process(
    workload: &Workload,
    backend: &str,
    engine: Engine,
    threads: usize,
) -> Result<FirstCall, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--first-call", "--backends", backend]);
    command.args(["--models", &workload.model, "--engine", &engine.to_string()]);
    command.args(["--batch", &workload.batch.to_string()]);
    command.args(["--threads", &threads.to_string()]);
    if workload.train {
        command.arg("--train");
    }
    let output = command.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let last = text.lines().rfind(|line| !line.trim().is_empty());
        let reason = last.map_or_else(|| output.status.to_string(), str::to_owned);
        return Err(reason.trim_start_matches("error: ").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Runs `work`; a backend that panics, as Burn's do where memory runs out, has an error instead.
fn quietly<T>(
    backend: &str,
    work: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<T, Box<dyn Error>> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    result
        .unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(text.unwrap_or("it gave no reason").into())
        })
        .map_err(|error| format!("the backend \"{backend}\" failed: {error}").into())
}
