//! Writing to the standard streams.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process;

/// See [`show!`](crate::show!).
pub fn show(text: Arguments) {
    match write(io::stdout(), text) {
        Ok(()) => {}
        // Who reads only the first lines has got what they wanted.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            note(format_args!("error: standard output: {error}\n"));
            process::exit(1)
        }
    }
}

/// See [`tell!`](crate::tell!).
pub fn tell(text: Arguments) {
    // What cannot be said is left out.
    let _ = write(io::stdout(), text);
}

/// See [`note!`](crate::note!).
pub fn note(text: Arguments) {
    // There is no place left to say it.
    let _ = write(io::stderr(), text);
}

/// Flushes, so that no error is left for the end of the program, which would drop it. The text is made first: the
/// streams are unbuffered or buffered by lines, and pieces of a line would be written one by one.
fn write(mut stream: impl Write, text: Arguments) -> io::Result<()> {
    stream.write_all(text.to_string().as_bytes())?;
    stream.flush()
}
