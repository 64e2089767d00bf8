//! Times networks on backends and in other frameworks, side by side.

mod against;
mod backend;
mod bars;
mod contestant;
mod csv;
mod device_peaks;
mod device_work;
mod help;
mod kept;
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
mod serve;
mod speed;
mod summary;
mod svg;
mod table;
mod trial;
mod worker;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use benches::{Implementation, STOPPED_CODE, Stopped, check_stopped, listen_for_stop};
use clap::Parser;

use device_peaks::DevicePeaks;
use machine::Machine;
use options::{Options, Side};
use plan::Plan;
use profile::Profile;
use reference::MOST_DRIFT;
use report::{Measurement, Report, Rows, SCHEMA};
use rounds::Protocol;

/// A device was not equally fast for long enough.
const DRIFTED: u8 = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_devices {
        console::show!("{}", vgg::device::describe_devices());
        return ExitCode::SUCCESS;
    }
    match run(&options) {
        Ok(code) => code,
        Err(error) if error.is::<Stopped>() => {
            console::note!("error: stopped before all rows were there");
            ExitCode::from(STOPPED_CODE)
        }
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
        output::all(&kept::load(path)?, options.format)?;
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
    if options.serve {
        serve::serve(&plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    if options.profile {
        profile(&plan, options)?;
        return Ok(ExitCode::SUCCESS);
    }
    let earlier = options.against.as_deref().map(kept::load).transpose()?;
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
    let rows = report.rows.measurements.iter();
    let worst = rows.max_by(|a, b| a.drift_percent.total_cmp(&b.drift_percent));
    match worst {
        Some(row) if row.drift_percent > MOST_DRIFT && !options.allow_drift => {
            console::note!("error: {}", drifted(row));
            Ok(ExitCode::from(DRIFTED))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

fn drifted(row: &Measurement) -> String {
    format!(
        "the speed of the {} changed by {:.0} % during the rounds of {}: its times do not compare. Close other \
         programs and repeat, or accept them with --allow-drift",
        row.device,
        row.drift_percent,
        row.workload(),
    )
}

/// Measures all workloads, and shows and keeps each as it is done, and whatever is there if that ends early.
fn compare(plan: &Plan, options: &Options) -> Result<Report, Box<dyn Error>> {
    if let Some(path) = &options.save {
        kept::check_writable(path)?;
    }
    listen_for_stop()?;
    let mut report = Report {
        schema: SCHEMA,
        complete: false,
        machine: Machine::new(plan.settings.threads),
        peaks: DevicePeaks::of_all(&plan.backends, plan.settings.threads)?,
        rows: Rows::default(),
    };
    output::begin(&report, options.format);
    let measured = measure(plan, options, &mut report);
    report.complete = measured.is_ok();
    let kept = keep(options, &report);
    output::finish(&report, options.format)?;
    measured.and(kept)?;
    for rows in report.rows.by_workload() {
        if let (true, Some(failure)) = (rows.measurements.is_empty(), rows.failures.first()) {
            return Err(format!("none of the sides could do {}", failure.workload()).into());
        }
    }
    Ok(report)
}

fn measure(plan: &Plan, options: &Options, report: &mut Report) -> Result<(), Box<dyn Error>> {
    for workload in &plan.workloads {
        let count = workload.count()?;
        let (mut contestants, failures) = plan.contestants(workload, options, count)?;
        let protocol = Protocol {
            rounds: options.rounds,
            baseline: options.baseline.as_deref(),
            peaks: &report.peaks,
        };
        let mut rows = rounds::measure(workload, count, &mut contestants, &protocol);
        rows.failures.splice(..0, failures);
        output::add(&report.machine, &rows, options.format)?;
        report.rows.extend(rows);
        keep(options, report)?;
        check_stopped()?;
    }
    Ok(())
}

fn keep(options: &Options, report: &Report) -> Result<(), Box<dyn Error>> {
    match &options.save {
        Some(path) => kept::save(path, report),
        None => Ok(()),
    }
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
