//! Who trains together: devices of this process, or processes that `mpirun` has started.

use std::collections::BTreeMap;

use clap::Args;
use vgg::train::TrainError;
use vgg::train::distributed::{Group, GroupError};

/// What the command line says of them.
#[derive(Args)]
pub struct WorkerOptions {
    /// Compute each batch on these devices of this machine together, such as wgpu:0,wgpu:1
    #[arg(
        long,
        value_name = "NAME,NAME",
        value_delimiter = ',',
        conflicts_with_all = ["backend", "device", "distributed"]
    )]
    pub devices: Vec<String>,

    /// Train together with the other processes that mpirun has started, on this machine or several: see
    /// docs/distributed.md
    #[arg(long)]
    pub distributed: bool,

    /// With --distributed, a process that gives no sign of life for so long ends them all
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub time_limit: u64,
}

/// How many processes there are, and on which machines.
pub fn describe(group: &dyn Group) -> String {
    let mut machines = BTreeMap::<String, usize>::new();
    for rank in 0..group.size() {
        *machines.entry(group.member(rank).place).or_default() += 1;
    }
    let machines: Vec<_> = machines
        .iter()
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    format!("{} processes: {}", group.size(), machines.join(", "))
}

/// What this rank says of an error: each error is told by one of them.
pub fn told(group: &dyn Group, error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let named = |member: &vgg::train::distributed::Member| member.rank == 0;
    let common = match error.downcast_ref::<TrainError>() {
        Some(TrainError::Group(error)) => Some(error),
        _ => error.downcast_ref::<GroupError>(),
    };
    let lost = matches!(
        error.downcast_ref(),
        Some(TrainError::NotFinite { epoch: 1.., .. })
    );
    let speaker = match common.and_then(GroupError::member) {
        Some(member) if named(member) && group.size() > 1 => 1,
        _ => 0,
    };
    if common.is_some() || lost {
        return (group.rank() == speaker).then(|| error.to_string());
    }
    Some(match group.size() {
        1 => error.to_string(),
        _ => format!("{}: {error}", group.member(group.rank())),
    })
}
