//! Times networks on backends and in other frameworks, side by side.

mod against;
mod bars;
mod contestant;
mod csv;
mod device_peaks;
mod machine;
mod options;
mod output;
mod plan;
mod profile;
mod profile_text;
mod reference;
mod report;
mod roofline;
mod rounds;
mod svg;
mod table;
mod trial;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use benches::Implementation;
use clap::Parser;

use device_peaks::DevicePeaks;
use machine::Machine;
use options::{Options, Side};
use plan::Plan;
use profile::Profile;
use reference::MOST_DRIFT;
use report::{Report, SCHEMA};
use rounds::Protocol;

/// The machine was not equally fast for long enough.
const DRIFTED: u8 = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_devices {
        console::show!("{}", vgg::device::describe_devices());
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(code) => code,
        Err(error) => {
            console::note!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Does the one thing that the options ask for.
fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    options.check()?;
    if let Some(path) = &options.show {
        output::all(&report::load(path)?, options.format)?;
        return Ok(ExitCode::SUCCESS);
    }
    let plan = Plan::new(options)?;
    if options.machine {
        console::say!("{}", Machine::new(plan.settings.threads));
        return Ok(ExitCode::SUCCESS);
    }
    rayon::ThreadPoolBuilder::new()
        .num_threads(plan.settings.threads)
        .build_global()?;
    if let Some(extent) = options.trial {
        let trial = plan.only_subject()?.measure(extent, plan.settings)?;
        console::say!("{}", serde_json::to_string(&trial)?);
        return Ok(ExitCode::SUCCESS);
    }
    if options.profile {
        profile(&plan, options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let earlier = options.against.as_deref().map(report::load).transpose()?;
    let report = compare(&plan, options)?;
    if let Some(earlier) = &earlier {
        let (text, slower) = against::slower(earlier, &report)?;
        console::note!(
            "\nagainst the earlier run, in units of fixed work beside the calls:\n{}",
            text.trim_end()
        );
        if slower > 0 {
            console::note!("error: {slower} slower by more than 10 %");
            return Ok(ExitCode::FAILURE);
        }
    }
    let drifts = report.measurements.iter().map(|found| found.drift_percent);
    let drift = drifts.fold(0.0, f64::max);
    if drift > MOST_DRIFT && !options.allow_drift {
        console::note!(
            "error: the machine's own speed changed by {drift:.0} % during the rounds of a workload: its \
             times do not compare. Close other programs and repeat, or accept them with --allow-drift"
        );
        return Ok(ExitCode::from(DRIFTED));
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures all workloads and shows each as it is done.
fn compare(plan: &Plan, options: &Options) -> Result<Report, Box<dyn Error>> {
    if let Some(path) = &options.save {
        report::check_writable(path)?;
    }
    let mut report = Report {
        schema: SCHEMA,
        machine: Machine::new(plan.settings.threads),
        peaks: DevicePeaks::of_all(&plan.backends)?,
        measurements: Vec::new(),
    };
    output::begin(&report, options.format);
    let protocol = Protocol {
        rounds: options.rounds,
        settings: plan.settings,
        baseline: options.baseline.as_deref(),
    };
    for workload in &plan.workloads {
        let contestants = plan.contestants(workload, options, &report.peaks)?;
        let measured = rounds::measure(workload, workload.count()?, &contestants, &protocol)?;
        output::add(&report.machine, &measured, options.format)?;
        report.measurements.extend(measured);
        if let Some(path) = &options.save {
            report::save(path, &report)?;
        }
    }
    output::finish(&report, options.format)?;
    Ok(report)
}

/// Shows where the time of each network goes.
fn profile(plan: &Plan, options: &Options) -> Result<(), Box<dyn Error>> {
    let sides = match options.sides.is_empty() {
        true => vec![Side::Own(Implementation::Module)],
        false => plan.sides.clone(),
    };
    let backend = plan.backends.first().ok_or("no backend is compiled in")?;
    let machine = Machine::new(plan.settings.threads);
    for workload in &plan.workloads {
        for side in &sides {
            let implementation = match side {
                Side::Own(side @ (Implementation::Module | Implementation::Burn)) => side,
                _ => {
                    return Err(
                        format!("--profile takes the sides module and burn, found {side}").into(),
                    );
                }
            };
            if workload.task.trains() {
                return Err("--profile times inference only".into());
            }
            let seconds = Duration::from_secs_f64(plan.settings.seconds);
            let engine = implementation.engine();
            let profile = Profile::measure(workload, backend, engine, seconds, &machine)?;
            console::show!("{}", profile_text::render(&profile, options.format)?);
        }
    }
    Ok(())
}
