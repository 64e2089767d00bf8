//! Another program that works for this one, and answers in lines.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::stop::check_stopped;

/// How often a wait looks whether this program is to stop.
const GLANCE: Duration = Duration::from_millis(20);

/// How long a program that nobody asks anything any more may take to end.
const LEAVE: Duration = Duration::from_secs(5);

/// A program that runs until it is dropped. Every wait for it ends when this program is to stop.
pub struct Process {
    child: Child,
    /// None when it is told nothing any more.
    input: Option<ChildStdin>,
    output: Receiver<String>,
    errors: Receiver<String>,
}

impl Process {
    /// Starts it, with its standard streams connected to this program.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(mut command: Command) -> Result<Self, Box<dyn Error>> {
        let piped = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Ctrl-C is for this program, which tells the other one.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(piped, 0);
        let mut child = piped.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy();
            format!("{program}: {error}")
        })?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("no standard output")?;
        let errors = child.stderr.take().ok_or("no standard error")?;
        Ok(Self {
            child,
            input,
            output: lines(output),
            errors: lines(errors),
        })
    }

    /// Sends a line.
    ///
    /// # Errors
    /// It has ended: the error says how.
    pub fn tell(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        let sent = self.input.as_mut().map(|input| {
            writeln!(input, "{line}")?;
            input.flush()
        });
        match sent {
            Some(Ok(())) => Ok(()),
            _ => Err(self.death()),
        }
    }

    /// Its next line, or none when it has written its last.
    ///
    /// # Errors
    /// [`Stopped`](crate::Stopped).
    pub fn line(&mut self) -> Result<Option<String>, Box<dyn Error>> {
        loop {
            match self.output.recv_timeout(GLANCE) {
                Ok(line) => return Ok(Some(line)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => check_stopped()?,
            }
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// [`Stopped`](crate::Stopped), or it failed: the error is the last that it said.
    pub fn end(&mut self) -> Result<(), Box<dyn Error>> {
        self.input = None;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(_) => return Err(self.death()),
                None => check_stopped()?,
            }
            thread::sleep(GLANCE);
        }
    }

    /// Why it is no longer there, when it should be.
    pub fn death(&mut self) -> Box<dyn Error> {
        // What stops this program may have reached the other one first.
        for _ in 0..10 {
            if let Err(stopped) = check_stopped() {
                return stopped.into();
            }
            thread::sleep(GLANCE);
        }
        let said = self.last_error();
        let said = said.map_or_else(String::new, |said| {
            said.trim_start_matches("error: ").to_owned()
        });
        let status = match self.child.try_wait() {
            Ok(Some(status)) if status.code().is_some() && !said.is_empty() => return said.into(),
            Ok(Some(status)) => status.to_string(),
            _ => "its output ended".into(),
        };
        match said.is_empty() {
            true => format!("its process ended without an answer: {status}"),
            false => format!("its process ended without an answer: {status}; it said: {said}"),
        }
        .into()
    }

    /// The last line that says anything, of those that it has written to standard error.
    fn last_error(&self) -> Option<String> {
        let (mut last, start) = (None, Instant::now());
        while start.elapsed() < LEAVE {
            match self.errors.recv_timeout(GLANCE) {
                Ok(line) if line.trim().is_empty() => {}
                Ok(line) => last = Some(line.trim().to_owned()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        last
    }
}

/// It may leave by itself, as its input ends, unless this program is to stop.
impl Drop for Process {
    fn drop(&mut self) {
        self.input = None;
        let start = Instant::now();
        while start.elapsed() < LEAVE && check_stopped().is_ok() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        // It may have ended just now, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, read as they come, so that who writes never waits.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || send_lines(BufReader::new(stream), &sender));
    receiver
}

/// Until the stream ends, or nobody wants them.
fn send_lines(mut stream: impl BufRead, sender: &Sender<String>) {
    loop {
        let mut line = Vec::new();
        match stream.read_until(b'\n', &mut line) {
            Ok(read) if read > 0 => {}
            _ => return,
        }
        let line = String::from_utf8_lossy(&line);
        if sender.send(line.trim_end().to_owned()).is_err() {
            return;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command).expect("a shell")
    }

    #[test]
    fn lines_go_there_and_back() {
        let mut echo = shell("while read line; do echo \"so $line\"; done");
        for word in ["one", "two"] {
            echo.tell(word).expect("it listens");
            let answer = echo.line().expect("not stopped");
            assert_eq!(answer, Some(format!("so {word}")));
        }
        echo.end().expect("it ends when its input does");
        assert_eq!(echo.line().expect("not stopped"), None);
    }

    #[test]
    fn who_fails_says_why() {
        let mut failing = shell("echo first >&2; echo 'error: no room' >&2; echo >&2; exit 1");
        assert_eq!(failing.end().expect_err("it fails").to_string(), "no room");
        let mut silent = shell("exit 3");
        let error = silent.end().expect_err("it fails").to_string();
        assert!(error.contains("exit status: 3"), "{error}");
    }

    #[test]
    fn who_is_killed_is_told_by_the_signal() {
        let mut killed = shell("echo halfway >&2; kill -9 $$");
        assert_eq!(killed.line().expect("not stopped"), None);
        let error = killed.end().expect_err("it is killed").to_string();
        assert!(
            error.contains("signal: 9") && error.contains("halfway"),
            "{error}"
        );
        assert!(killed.tell("hello").is_err());
    }

    #[test]
    fn who_does_not_start_is_named() {
        let error = Process::start(Command::new("/nowhere/program")).err();
        let error = error.expect("it does not start").to_string();
        assert!(error.starts_with("/nowhere/program: "), "{error}");
    }

    #[test]
    fn who_would_stay_is_ended() {
        let start = Instant::now();
        drop(shell("trap '' PIPE; read line; exec sleep 1000"));
        assert!(start.elapsed() < 2 * LEAVE);
    }
}
