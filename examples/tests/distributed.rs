//! Several workers come to the same end as one: devices of a process, and processes that `mpirun` starts.

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{example, fails_with, folder, metrics, on_one_thread, succeeds};
use safetensors::SafeTensors;

/// A network without dropout and few images: seconds for fifty steps.
const NETWORK: [&str; 4] = ["--width", "0.0625", "--hidden", "none"];

/// A batch is an epoch, so that `metrics.csv` has the loss of each step; two or four workers have parts of several sizes.
const FIFTY_STEPS: [&str; 6] = ["--limit", "45", "--batch-size", "45", "--epochs", "50"];

/// Several batches, of which the last one has less images than there may be workers.
const SEVERAL_BATCHES: [&str; 9] = [
    "--limit",
    "50",
    "--batch-size",
    "16",
    "--epochs",
    "3",
    "--crop-padding",
    "2",
    "--mirror",
];

// Rates at which a rounding error does not grow: at higher ones, one process with other kernels ends elsewhere too.
const SGD: [&str; 4] = ["--optimizer", "sgd", "--lr", "0.01"];
const ADAMW: [&str; 4] = ["--optimizer", "adamw", "--lr", "0.0001"];
const NORMS: [&str; 4] = ["--batch-norm", "--sync-batch-norm", "--lr", "0.0003"];

/// `train` as one process.
fn alone() -> Command {
    on_one_thread("train")
}

/// `train` as so many processes. `None`, with a sentence, where they cannot be started.
fn processes(count: usize) -> Option<Command> {
    if !cfg!(feature = "mpi") {
        eprintln!("skipped: the feature mpi is not compiled in");
        return None;
    }
    let there = Command::new("mpirun").arg("--version").output();
    if !there.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no mpirun (apt-get install openmpi-bin)");
        return None;
    }
    let mut command = Command::new("mpirun");
    command
        .args([
            "--allow-run-as-root",
            "--oversubscribe",
            "--bind-to",
            "none",
        ])
        // Shared memory without a system call that containers forbid.
        .args(["--mca", "btl_vader_single_copy_mechanism", "none"])
        .args(["-n", &count.to_string()])
        .arg(example("train").get_program())
        .arg("--distributed")
        .env("RAYON_NUM_THREADS", "1");
    Some(command)
}

/// What a training came to.
struct End {
    /// Each row of `metrics.csv`, without the number of the epoch.
    figures: Vec<Vec<f64>>,
    weights: Vec<(String, Vec<f32>)>,
}

impl End {
    fn of(run: &Path) -> Self {
        let row = |line: &str| {
            line.split(',')
                .skip(1)
                .map(|cell| cell.parse().expect(line))
                .collect()
        };
        let bytes = fs::read(run.join("weights.safetensors")).expect("weights");
        let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
        let values = |bytes: &[u8]| {
            bytes
                .as_chunks()
                .0
                .iter()
                .map(|&four| f32::from_le_bytes(four))
                .collect()
        };
        let mut weights: Vec<_> = tensors
            .iter()
            .map(|(name, tensor)| (name.to_owned(), values(tensor.data())))
            .collect();
        weights.sort_by(|one, other| one.0.cmp(&other.0));
        Self {
            figures: metrics(run).lines().skip(1).map(row).collect(),
            weights,
        }
    }

    fn losses(&self) -> Vec<f64> {
        self.figures.iter().map(|row| row[1]).collect()
    }

    /// Losses within `tolerance` of themselves, weights within `tolerance` of the largest.
    #[track_caller]
    fn is(&self, other: &Self, tolerance: f64, what: &str) {
        assert_eq!(self.figures.len(), other.figures.len(), "{what}");
        for (epoch, (one, other)) in self.losses().iter().zip(other.losses()).enumerate() {
            let apart = (one - other).abs() / other.abs();
            assert!(
                apart < tolerance,
                "{what}: loss {one} and {other} in epoch {}",
                epoch + 1
            );
        }
        let largest = |values: &[f32]| {
            values
                .iter()
                .fold(0.0f32, |most, value| most.max(value.abs()))
        };
        let most = self
            .weights
            .iter()
            .map(|(_, values)| largest(values))
            .fold(0.0, f32::max);
        for ((name, one), (_, other)) in self.weights.iter().zip(&other.weights) {
            let apart: Vec<_> = one
                .iter()
                .zip(other)
                .map(|(one, other)| one - other)
                .collect();
            let apart = f64::from(largest(&apart) / most);
            assert!(
                apart < tolerance,
                "{what}: {name} is {apart} of the largest weight apart"
            );
        }
    }
}

/// The end of a training with these options.
#[track_caller]
fn end(mut command: Command, options: &[&[&str]]) -> End {
    let folder = folder();
    let run = folder.path().join("run");
    command
        .args(NETWORK)
        .args(options.concat())
        .arg("--out")
        .arg(&run);
    succeeds(&mut command);
    End::of(&run)
}

fn devices(names: &str) -> Command {
    let mut command = alone();
    command.args(["--devices", names]);
    command
}

/// Trains with `options` alone and as all that can be started here, and holds them to the same end.
#[track_caller]
fn all_come_to_the_same_end(options: &[&[&str]], tolerance: f64) {
    let one = end(alone(), options);
    let losses = one.losses();
    assert!(
        losses[losses.len() - 1] < losses[0] * 0.999,
        "it learns: {losses:?}"
    );
    end(devices("flex,flex"), options).is(&one, tolerance, "two devices");
    for count in [2, 4] {
        if let Some(command) = processes(count) {
            end(command, options).is(&one, tolerance, &format!("{count} processes"));
        }
    }
}

#[test]
fn fifty_steps_of_sgd() {
    all_come_to_the_same_end(&[&FIFTY_STEPS, &SGD], 1e-5);
}

#[test]
fn fifty_steps_of_sgd_with_synchronised_normalisation() {
    all_come_to_the_same_end(&[&FIFTY_STEPS, &SGD, &NORMS], 1e-5);
}

#[test]
fn fifty_steps_of_adamw() {
    all_come_to_the_same_end(&[&FIFTY_STEPS, &ADAMW], 1e-4);
}

#[test]
fn batches_with_fewer_images_than_workers() {
    all_come_to_the_same_end(&[&SEVERAL_BATCHES, &SGD, &["--lr", "0.03"]], 1e-5);
    let with_norms: [&[&str]; 3] = [&SEVERAL_BATCHES, &SGD, &NORMS];
    all_come_to_the_same_end(&with_norms, 1e-5);
    end(devices("flex,flex,flex"), &with_norms).is(
        &end(alone(), &with_norms),
        1e-5,
        "three devices",
    );
}

#[test]
fn a_batch_in_parts_gives_the_gradients_of_the_whole() {
    let options: [&[&str]; 2] = [&SEVERAL_BATCHES, &SGD];
    let whole = end(alone(), &options);
    let parts = ["--accumulate", "3"];
    end(alone(), &[&options[..], &[&parts]].concat()).is(&whole, 1e-5, "three parts");
    end(devices("flex,flex"), &[&options[..], &[&parts]].concat()).is(&whole, 1e-5, "two devices");
}

#[test]
fn normalisation_of_each_part_is_another_training() {
    let options: [&[&str]; 3] = [&SEVERAL_BATCHES, &SGD, &["--batch-norm"]];
    let (one, two) = (end(alone(), &options), end(devices("flex,flex"), &options));
    assert_ne!(one.losses()[0], two.losses()[0]);
    assert!(
        (one.losses()[0] - two.losses()[0]).abs() < 0.3,
        "{:?} {:?}",
        one.losses(),
        two.losses()
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = folder();
    let run = folder.path().join("run");
    let train = |more: &[&str]| {
        let mut command = alone();
        command
            .args(["--limit", "20", "--epochs", "1"])
            .args(more)
            .arg("--out")
            .arg(&run);
        command
    };
    let twice = train(&["--devices", "flex,flex"]);
    fails_with(
        &mut { twice },
        "the dropout of a network on a device that is given twice must be 0",
    );
    let parts = train(&["--accumulate", "65"]);
    fails_with(
        &mut { parts },
        "the number of parts of a batch must be at least 1",
    );
    fs::remove_dir_all(&run).expect("of the first one");
    let burn = [
        "--devices",
        "flex,flex",
        "--hidden",
        "none",
        "--engine",
        "burn",
    ];
    let burn = train(&[&burn[..], &NORMS].concat());
    fails_with(&mut { burn }, "computed on a CPU by the engine winograd");
    if !cfg!(feature = "mpi") {
        fails_with(&mut train(&["--distributed"]), "built without MPI");
    }
}

/// What happens to one of several processes.
#[cfg(target_os = "linux")]
mod faults {
    use std::process::{Child, Stdio};
    use std::time::{Duration, Instant};

    use super::program::{ends, text, wait_for};
    use super::*;

    /// So many epochs that none comes to the end of them.
    const LONG: [&str; 4] = ["--limit", "40", "--epochs", "100000"];
    const LIMIT: [&str; 2] = ["--time-limit", "2"];

    /// The process of this rank among those of `mpirun`.
    fn process_of(mpirun: &Child, rank: usize) -> u32 {
        let wanted = format!("OMPI_COMM_WORLD_RANK={rank}");
        let parent = format!("PPid:\t{}", mpirun.id());
        let mut found = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
            let path = entry.ok()?.path();
            let id: u32 = path.file_name()?.to_str()?.parse().ok()?;
            let status = fs::read_to_string(path.join("status")).ok()?;
            let environment = fs::read(path.join("environ")).ok()?;
            let mut variables = environment.split(|&byte| byte == 0);
            let is = status.lines().any(|line| line == parent)
                && variables.any(|variable| variable == wanted.as_bytes());
            is.then_some(id)
        });
        found.next().expect("a process of this rank")
    }

    fn signal(name: &str, process: u32) {
        let kill = Command::new("kill")
            .args([name, &process.to_string()])
            .status();
        assert!(kill.expect("kill").success());
    }

    /// Sends a signal to one of two processes behind their second epoch. What was said, and how long it took.
    fn struck(run: &Path, name: &str, rank: usize) -> Option<(String, Duration)> {
        let mut command = processes(2)?;
        command
            .args(NETWORK)
            .args(LONG)
            .args(LIMIT)
            .arg("--out")
            .arg(run);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        wait_for(&mut child, &run.join("checkpoints/epoch-2/metrics.csv"));
        signal(name, process_of(&child, rank));
        let start = Instant::now();
        let status = ends(&mut child);
        let took = start.elapsed();
        let said = text(&child.wait_with_output().expect("its end").stderr);
        assert!(!status.success(), "{name} {rank}: {said}");
        Some((said, took))
    }

    #[test]
    fn a_process_that_is_killed_ends_all_and_is_named() {
        for rank in [0, 1] {
            let folder = folder();
            let run = folder.path().join("run");
            let Some((said, took)) = struck(&run, "-KILL", rank) else {
                return;
            };
            assert!(said.contains(&format!("rank {rank} ")), "{said}");
            assert!(took < Duration::from_secs(20), "{took:?}");
            whole_and_resumed(&run);
        }
    }

    #[test]
    fn a_process_that_is_stopped_ends_all_and_is_named() {
        for rank in [0, 1] {
            let folder = folder();
            let run = folder.path().join("run");
            let Some((said, took)) = struck(&run, "-STOP", rank) else {
                return;
            };
            let named = format!("error: rank {rank} (");
            assert!(
                said.contains(&named) && said.contains("no sign of life for 2 s"),
                "{said}"
            );
            assert!(took < Duration::from_secs(20), "{took:?}");
            whole_and_resumed(&run);
        }
    }

    /// Its newest checkpoint can be gone on with: the rows so far stay as they are, and new ones follow.
    #[track_caller]
    fn whole_and_resumed(run: &Path) {
        let config = run.join("config.json");
        let text = fs::read_to_string(&config).expect("config.json");
        assert!(
            text.contains("\"epochs\":100000") || text.contains("\"epochs\": 100000"),
            "{text}"
        );
        let before = metrics(run);
        let mut command = processes(1).expect("as before");
        command.args(["--resume".as_ref(), run.as_os_str()]);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let next = before.lines().count() + 2;
        wait_for(
            &mut child,
            &run.join(format!("checkpoints/epoch-{next}/metrics.csv")),
        );
        signal("-KILL", process_of(&child, 0));
        ends(&mut child);
        assert!(metrics(run).starts_with(before.trim_end()));
    }

    #[test]
    fn a_loss_that_is_not_finite_stops_all() {
        let folder = folder();
        let run = folder.path().join("run");
        let Some(mut command) = processes(2) else {
            return;
        };
        let growing = [
            "--lr",
            "1",
            "--warmup",
            "0",
            "--weight-decay",
            "5",
            "--epochs",
            "40",
        ];
        command
            .args(NETWORK)
            .args(SGD)
            .args(growing)
            .args(["--limit", "100"]);
        fails_with(command.arg("--out").arg(&run), " loss became ");
        assert!(!run.join("weights.safetensors").exists());
    }

    #[test]
    fn processes_that_were_not_started_alike_say_so() {
        let folder = folder();
        let run = folder.path().join("run");
        let Some(mut command) = processes(1) else {
            return;
        };
        let other = |command: &mut Command, options: &[&str]| {
            command
                .args([":", "-n", "1"])
                .arg(example("train").get_program());
            command
                .args(["--distributed", "--limit", "40"])
                .args(options);
        };
        command.args(["--limit", "40"]).arg("--out").arg(&run);
        other(&mut command, &["--lr", "0.5"]);
        fails_with(&mut command, "has settings with SHA-256");
        fs::remove_dir_all(&run).expect("of the first one");
        let mut command = processes(1).expect("as before");
        command.args(["--limit", "50"]).arg("--out").arg(&run);
        other(&mut command, &[]);
        fails_with(&mut command, "has the training images 40 with SHA-256");
    }

    #[test]
    fn a_run_goes_on_with_as_many_or_fewer_processes() {
        let options: [&[&str]; 3] = [
            &NETWORK,
            &SGD,
            &["--limit", "60", "--batch-size", "16", "--epochs", "8"],
        ];
        let folder = folder();
        let Some(mut command) = processes(2) else {
            return;
        };
        let whole = folder.path().join("whole");
        succeeds(command.args(options.concat()).arg("--out").arg(&whole));
        for count in [2, 1] {
            let run = folder.path().join(format!("killed-{count}"));
            let mut command = processes(2).expect("as before");
            command.args(options.concat()).arg("--out").arg(&run);
            let mut child = command.stdout(Stdio::null()).spawn().expect("it starts");
            wait_for(&mut child, &run.join("checkpoints/epoch-3/metrics.csv"));
            signal("-KILL", process_of(&child, 1));
            ends(&mut child);
            let mut command = processes(count).expect("as before");
            succeeds(command.args(["--resume".as_ref(), run.as_os_str()]));
            match count {
                2 => assert_eq!(metrics(&run), metrics(&whole)),
                _ => End::of(&run).is(&End::of(&whole), 1e-5, "fewer processes"),
            }
        }
    }
}
