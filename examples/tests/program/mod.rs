//! The examples as programs: started, and held to what they say.
#![allow(dead_code)] // each test takes what it needs

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// The program that `cargo test` has built beside this test.
pub fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("a running test");
    let target = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let program = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(target.join("examples").join(program));
    command.stdin(Stdio::null());
    command
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
pub fn succeeds(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it starts");
    assert!(status.success(), "{}\n{}", text(&stdout), text(&stderr));
    text(&stdout)
}

#[track_caller]
pub fn fails_with(command: &mut Command, expected: &str) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().expect("it starts");
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    assert!(!status.success(), "it went through: {stdout}");
    assert!(stderr.contains(expected), "{stderr:?} lacks {expected:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A narrow network on few images: seconds instead of minutes.
pub const SMALL: [&str; 10] = [
    "--width",
    "0.0625",
    "--hidden",
    "32",
    "--limit",
    "300",
    "--batch-size",
    "50",
    "--lr",
    "0.003",
];

/// The program on one thread: the tests of a file run at the same time.
pub fn on_one_thread(name: &str) -> Command {
    let mut command = example(name);
    command.env("RAYON_NUM_THREADS", "1");
    command
}

/// A training of [`SMALL`] with `more` options.
pub fn train(out: &Path, more: &[&str]) -> Command {
    let mut command = on_one_thread("train");
    command.args(SMALL).args(more).arg("--out").arg(out);
    command
}

pub fn resume(run: &Path) -> Command {
    let mut command = on_one_thread("train");
    command.arg("--resume").arg(run);
    command
}

pub fn metrics(run: &Path) -> String {
    fs::read_to_string(run.join("metrics.csv")).expect("metrics.csv")
}

pub fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("weights.safetensors")).expect("weights.safetensors")
}

/// Waits for the end of a program that must not hang.
#[track_caller]
pub fn ends(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if start.elapsed() > Duration::from_secs(120) {
            child.kill().expect("killed");
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the program has written `file`.
#[track_caller]
pub fn wait_for(child: &mut Child, file: &Path) {
    while !file.is_file() {
        assert!(
            child.try_wait().expect("a child").is_none(),
            "it ended too early"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Every file below `folder`.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

/// A file that takes nothing, as on a full disk.
#[cfg(target_os = "linux")]
pub fn full() -> Stdio {
    let file = fs::OpenOptions::new().write(true).open("/dev/full");
    file.expect("/dev/full").into()
}

/// A small file system that is unmounted at the end.
pub struct SmallDisk(pub PathBuf);

impl SmallDisk {
    pub fn mount(path: PathBuf, options: &str) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&path);
        let mounted = mount
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Random numbers for moments, from a seed so that a failure can be repeated.
struct Moments(u64);

impl Moments {
    /// A moment within `most`, short ones more often.
    fn next(&mut self, most: Duration) -> Duration {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let part = (self.0 >> 33) as f64 / (1u64 << 31) as f64;
        most.mul_f64(part * part)
    }
}

/// Starts `start`, and whatever `resume` says behind that, killing each at a random moment until one
/// comes to its end. How often it was killed.
pub fn kill_until_done(
    seed: u64,
    is_run: impl Fn() -> bool,
    start: impl Fn() -> Command,
    resume: impl Fn() -> Command,
) -> usize {
    let mut moments = Moments(seed);
    for kills in 0..200 {
        let mut command = if is_run() { resume() } else { start() };
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        // Later ones live longer, so that it ends at all.
        std::thread::sleep(moments.next(Duration::from_millis(400 + 50 * kills as u64)));
        if let Some(status) = child.try_wait().expect("a child") {
            let output = child.wait_with_output().expect("its end");
            assert!(status.success(), "{}", text(&output.stderr));
            return kills;
        }
        child.kill().expect("killed"); // SIGKILL
        child.wait().expect("gone");
    }
    panic!("it never came to its end");
}
