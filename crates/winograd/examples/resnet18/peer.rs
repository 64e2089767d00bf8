//! The same network in another framework, by a program that waits between its turns.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running program. It ends when its input does.
pub struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it with these numbers behind its own arguments, and lets it compute once.
    pub fn start(program: &str, numbers: [usize; 3]) -> Result<Self, Box<dyn Error>> {
        let mut words = program.split_whitespace();
        let name = words.next().ok_or("--peer names no program")?;
        let mut child = Command::new(name)
            .args(words)
            .args(numbers.map(|number| number.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{name}: {error}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("the peer has no output")?;
        let output = BufReader::new(output);
        let mut peer = Self {
            child,
            input,
            output,
        };
        peer.milliseconds()?;
        Ok(peer)
    }

    /// One turn.
    pub fn milliseconds(&mut self) -> Result<f64, Box<dyn Error>> {
        let input = self.input.as_mut().ok_or("the peer has no input")?;
        writeln!(input, "run")?;
        input.flush()?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let time = line.trim().parse();
        time.map_err(|_| format!("the peer answered {line:?}, not with milliseconds").into())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.input.take());
        // How it ended matters to nobody any more.
        let _ = self.child.wait();
    }
}
