//! Milliseconds of each side as bars.

use crate::report::{Measurement, Report};
use crate::svg::{Coloured, Digits, Logarithmic, WIDTH, document, line, text};

const LEFT: f64 = 150.0;
const RIGHT: f64 = 190.0;
/// Where the first workload begins.
const TOP: f64 = 92.0;

/// All workloads, on a logarithmic scale as backends differ by orders of magnitude.
pub(crate) fn bars(report: &Report) -> String {
    let times = report.rows.measurements.iter().map(|found| found.median_ms);
    let scale = Logarithmic::around(times, [LEFT, WIDTH - RIGHT]);
    let mut sides = Coloured::default();
    let (mut body, mut y) = (String::new(), TOP);
    for rows in report.rows.by_workload() {
        let Some(first) = rows.measurements.first() else {
            continue;
        };
        y += 16.0;
        body += &text(16.0, y, "class=\"heading\"", &first.workload());
        y += 10.0;
        for measured in &rows.measurements {
            let colour = sides.colour(&measured.label());
            body += &bar(measured, &scale, y, colour);
            y += 22.0;
        }
    }
    document(
        "Time of a call",
        &(head(report) + &grid(&scale, y) + &body),
        y + 16.0,
    )
}

fn bar(measured: &Measurement, scale: &Logarithmic, y: f64, colour: &str) -> String {
    let end = scale.place(measured.median_ms);
    let width = (end - LEFT).max(1.0);
    let times = (Digits(measured.median_ms), Digits(measured.ratio));
    let label = format!("{:.3} ms, {:.3}×", times.0, times.1);
    format!(
        "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"16\" fill=\"{colour}\"/>\n"
    ) + &text(
        LEFT - 8.0,
        y + 12.0,
        "text-anchor=\"end\"",
        &measured.label(),
    ) + &text(end + 6.0, y + 12.0, "", &label)
}

/// A line for each power of ten, down to `bottom`.
fn grid(scale: &Logarithmic, bottom: f64) -> String {
    let lines = scale.decades().map(|value| {
        let (x, label) = (scale.place(value), format!("{value} ms"));
        line([x, TOP - 8.0, x, bottom], "#ddd")
            + &text(
                x,
                TOP - 14.0,
                "text-anchor=\"middle\" class=\"sub\"",
                &label,
            )
    });
    lines.collect()
}

fn head(report: &Report) -> String {
    let machine = report.machine.to_string();
    let how = "Less is better; logarithmic scale; × is the ratio to the baseline";
    text(16.0, 26.0, "class=\"name\"", "Time of a call")
        + &text(16.0, 44.0, "class=\"sub\"", &machine)
        + &text(16.0, 60.0, "class=\"sub\"", how)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn pictures_hold_every_side_and_the_machine() {
        let picture = bars(&report());
        for part in ["prepared", "module/wgpu", "torch, eager", "Zen 3"] {
            assert!(picture.contains(part), "{part}");
        }
        assert!(!picture.contains("NaN"));
    }

    #[test]
    fn without_measurements_there_is_a_picture_still() {
        let mut report = report();
        report.rows = Default::default();
        assert!(bars(&report).ends_with("</svg>\n"));
    }
}
