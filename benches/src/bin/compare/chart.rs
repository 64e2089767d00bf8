//! Pictures: bars of the workloads, and the roofline of a profile.

use crate::profile::Profile;
use crate::report::{Report, Row};

const WIDTH: f64 = 900.0;
/// Blue, vermilion, green, orange, purple, grey: a palette that colour-blind readers can tell apart.
const COLOURS: [&str; 6] = [
    "#0072b2", "#c44e00", "#00795a", "#b07800", "#a0568a", "#666666",
];

/// Milliseconds of each side as bars, on a logarithmic scale as backends differ by orders of
/// magnitude.
pub(crate) fn bars(report: &Report) -> String {
    const LEFT: f64 = 150.0;
    const RIGHT: f64 = 190.0;
    let times = report.rows.iter().map(|row| row.median_ms);
    let scale = Logarithmic::around(times, [LEFT, WIDTH - RIGHT]);
    let mut sides: Vec<&str> = Vec::new();
    let mut body = String::new();
    let mut y = 92.0;
    let mut last: Option<&Row> = None;
    for row in &report.rows {
        if last.is_none_or(|last| last.workload() != row.workload()) {
            y += 16.0;
            body += &text(16.0, y, "class=\"heading\"", &row.workload());
            y += 10.0;
        }
        last = Some(row);
        let side = match sides.iter().position(|side| *side == row.side) {
            Some(side) => side,
            None => {
                sides.push(&row.side);
                sides.len() - 1
            }
        };
        let end = scale.place(row.median_ms);
        body += &format!(
            "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"16\" fill=\"{}\"/>\n",
            (end - LEFT).max(1.0),
            COLOURS[side % COLOURS.len()],
        );
        body += &text(LEFT - 8.0, y + 12.0, "text-anchor=\"end\"", &row.side);
        let label = format!("{:.3} ms, {:.3}×", Digits(row.median_ms), Digits(row.ratio));
        body += &text(end + 6.0, y + 12.0, "", &label);
        y += 22.0;
    }
    let grid: String = scale
        .decades()
        .map(|value| {
            let x = scale.place(value);
            format!(
                "<line x1=\"{x:.1}\" y1=\"84\" x2=\"{x:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n{}",
                text(
                    x,
                    78.0,
                    "text-anchor=\"middle\" class=\"sub\"",
                    &format!("{value} ms")
                )
            )
        })
        .collect();
    let machine = &report.machine;
    let head = text(16.0, 28.0, "class=\"name\"", "Time of a call")
        + &text(
            16.0,
            50.0,
            "class=\"sub\"",
            &format!(
                "{}, {} threads. Less is better; logarithmic scale; × is the ratio to the baseline",
                machine.cpu, machine.threads
            ),
        );
    document("Time of a call", &(head + &grid + &body), y + 16.0)
}

/// One point for each layer below the roofs of memory and arithmetic.
pub(crate) fn roofline(profile: &Profile) -> String {
    const HEIGHT: f64 = 560.0;
    let [left, right, top, bottom] = [80.0, WIDTH - 30.0, 80.0, HEIGHT - 60.0];
    let roof = &profile.roof;
    let points = || profile.layers.iter().filter(|layer| layer.gflops() > 0.0);
    let ridge = roof.gflops / roof.gigabytes_per_second;
    let x = Logarithmic::around(
        points().map(|layer| layer.intensity()).chain([ridge]),
        [left, right],
    );
    let speeds = points()
        .map(|layer| layer.gflops())
        .chain([roof.gflops * 1.2]);
    let y = Logarithmic::around(speeds, [bottom, top]);
    let mut body = String::new();
    for value in x.decades() {
        let place = x.place(value);
        body += &line([place, top, place, bottom], "#e4e4e4");
        let label = value.to_string();
        body += &text(
            place,
            bottom + 18.0,
            "text-anchor=\"middle\" class=\"sub\"",
            &label,
        );
    }
    for value in y.decades() {
        let place = y.place(value);
        body += &line([left, place, right, place], "#e4e4e4");
        body += &text(
            left - 8.0,
            place + 4.0,
            "text-anchor=\"end\" class=\"sub\"",
            &value.to_string(),
        );
    }
    let memory = |intensity: f64| intensity * roof.gigabytes_per_second;
    let start = x.least.max(y.least / roof.gigabytes_per_second);
    body += &format!(
        "<polyline points=\"{:.1},{:.1} {:.1},{:.1} {right},{:.1}\" fill=\"none\" \
         stroke=\"#222\" stroke-width=\"2\"/>\n",
        x.place(start),
        y.place(memory(start)),
        x.place(ridge),
        y.place(roof.gflops),
        y.place(roof.gflops),
    );
    body += &text(
        right - 4.0,
        y.place(roof.gflops) - 8.0,
        "text-anchor=\"end\"",
        &format!("matrix product: {:.0} GFLOP/s", roof.gflops),
    );
    let middle = (start * ridge).sqrt();
    body += &text(
        x.place(middle) + 10.0,
        y.place(memory(middle)) + 14.0,
        "",
        &format!("memory: {:.0} GB/s", roof.gigabytes_per_second),
    );
    let mut kinds: Vec<&str> = Vec::new();
    for layer in points() {
        let kind = kinds.iter().position(|kind| *kind == layer.kind);
        let kind = kind.unwrap_or_else(|| {
            kinds.push(&layer.kind);
            kinds.len() - 1
        });
        // A larger point takes more of the time.
        let radius = 3.0 + 14.0 * (layer.milliseconds / profile.sum()).sqrt();
        body += &format!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"{}\" fill-opacity=\"0.65\" \
             stroke=\"#fff\"><title>{}: {:.2} ms, {:.1} GFLOP/s, {:.1} FLOP/byte</title></circle>\n",
            x.place(layer.intensity()),
            y.place(layer.gflops()),
            COLOURS[kind % COLOURS.len()],
            escape(&layer.path),
            layer.milliseconds,
            layer.gflops(),
            layer.intensity(),
        );
    }
    for (index, kind) in kinds.iter().enumerate() {
        let place = top + 14.0 + 20.0 * index as f64;
        body += &format!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\" fill=\"{}\"/>\n",
            left + 18.0,
            place - 4.0,
            COLOURS[index % COLOURS.len()]
        );
        body += &text(left + 32.0, place, "", kind);
    }
    body += &text(
        (left + right) / 2.0,
        HEIGHT - 16.0,
        "text-anchor=\"middle\"",
        "FLOP/byte",
    );
    body += &text(left, top - 10.0, "text-anchor=\"end\"", "GFLOP/s");
    let title = format!("Roofline of {}", profile.title());
    let times = format!(
        "All layers {:.1} ms, the forward pass in one piece {:.1} ms. A point is a layer, the larger \
         the longer it takes",
        profile.sum(),
        profile.whole_ms
    );
    let head =
        text(16.0, 28.0, "class=\"name\"", &title) + &text(16.0, 50.0, "class=\"sub\"", &times);
    document(&title, &(head + &body), HEIGHT)
}

/// A logarithmic scale from powers of ten to places.
struct Logarithmic {
    least: f64,
    most: f64,
    places: [f64; 2],
}

impl Logarithmic {
    fn around(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.0f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            least = least.min(value * 0.999);
            most = most.max(value);
        }
        if most == 0.0 {
            (least, most) = (1.0, 10.0);
        }
        Self {
            least: 10f64.powf(least.log10().floor()),
            most: 10f64.powf(most.log10().ceil()),
            places,
        }
    }

    fn place(&self, value: f64) -> f64 {
        let part = (value / self.least).log10() / (self.most / self.least).log10();
        self.places[0] + part * (self.places[1] - self.places[0])
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        let count = (self.most / self.least).log10().round() as i32;
        let first = self.least.log10().round() as i32;
        (0..=count).map(move |step| 10f64.powi(first + step))
    }
}

/// A number with so many digits in all.
struct Digits(f64);

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = f.precision().unwrap_or(3) as i32;
        let whole = self.0.abs().max(1e-9).log10().floor() as i32 + 1;
        write!(f, "{:.*}", (digits - whole.max(1)).max(0) as usize, self.0)
    }
}

fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    let content = escape(content);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>\n")
}

fn line([x1, y1, x2, y2]: [f64; 4], colour: &str) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>\n"
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn document(name: &str, body: &str, height: f64) -> String {
    let name = escape(name);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{name}\">\n\
         <title>{name}</title>\n\
         <style>\n\
         text {{ font-family: sans-serif; font-size: 12px; fill: #333; }}\n\
         .name {{ font-size: 20px; font-weight: bold; fill: #111; }}\n\
         .sub {{ fill: #666; }}\n\
         .heading {{ font-weight: bold; fill: #222; }}\n\
         </style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}
