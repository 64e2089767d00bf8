//! Being the process that measures for another one.

use std::error::Error;
use std::io::BufRead;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::device_work;
use crate::plan::Plan;
use crate::trial::{Trial, failure};
use crate::worker::{Answer, Request};

/// Answers each line of standard input with one of standard output, until there is no more.
pub(crate) fn serve(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let mut trial = None;
    for line in std::io::stdin().lock().lines() {
        let found = quietly(|| answer(plan, &line?, &mut trial));
        let answer: Answer<Value> = found.map_err(|error| error.to_string());
        console::say!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}

fn answer(plan: &Plan, line: &str, trial: &mut Option<Trial>) -> Result<Value, Box<dyn Error>> {
    let request = serde_json::from_str(line)
        .map_err(|error| format!("a request expected, found \"{line}\": {error}"))?;
    if request == Request::Peaks {
        let backend = plan.backends.first().ok_or("no backend is compiled in")?;
        let gpu = backend.gpu.as_ref();
        let gpu = gpu.ok_or_else(|| format!("{} is no GPU", backend.name))?;
        let peaks = device_work::peaks(&backend.device, gpu).map_err(vgg::device::failure)?;
        return Ok(serde_json::to_value(peaks)?);
    }
    let subject = plan.only_subject()?;
    // One that has failed is not used again.
    let found = quietly(|| {
        let mut current = match trial.take() {
            Some(trial) => trial,
            None => Trial::start(&subject)?,
        };
        let found = match request {
            Request::Turn => serde_json::to_value(current.turn(&subject.backend, plan.settings)?)?,
            Request::FirstCall | Request::Peaks => serde_json::to_value(current.first())?,
        };
        *trial = Some(current);
        Ok(found)
    });
    found.map_err(|error| failure(&subject, error))
}

/// Runs `work`; a backend that panics, as Burn's do where memory runs out, has an error instead.
fn quietly<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<T, Box<dyn Error>> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let result = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("it gave no reason").into())
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::options::Options;

    #[test]
    fn a_panic_is_an_error() {
        let error = quietly::<()>(|| panic!("out of memory")).expect_err("a panic");
        assert_eq!(error.to_string(), "out of memory");
    }

    #[test]
    fn requests_are_answered_or_refused() {
        let words = "compare --backends flex --sides module --seconds 0 --warm-up 0";
        let options = Options::try_parse_from(words.split(' ')).expect("options");
        let (plan, mut trial) = (Plan::new(&options).expect("a plan"), None);
        let mut ask = |line: &str| answer(&plan, line, &mut trial);
        assert!(ask("\"turn\"").is_ok_and(|turn| turn["bursts"][0]["calls"][0].is_number()));
        assert!(ask("\"first-call\"").is_ok_and(|first| first["milliseconds"].is_number()));
        for (line, part) in [
            ("\"peaks\"", "flex is no GPU"),
            ("hello", "a request expected, found \"hello\""),
        ] {
            let error = ask(line).expect_err("refused").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
