//! A picture of where cost and parameters sit along the network.

use super::layout::Layout;
use super::lines::{Line, lines};
use super::names::distinct;
use super::scale::Scale;
use super::shapes::{shape, specs};
use super::text::{shortened, wrapped};
use super::units::{grouped, percent, seconds, short};
use crate::report::Report;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
/// Height of a panel, and of the space above it that holds its heading.
const PANEL: f64 = 190.0;
const HEADING: f64 = 40.0;
/// Height of the module labels below the panels.
const LABELS: f64 = 166.0;
/// The most characters of a label, and the most labels that stay readable side by side.
const LABEL: usize = 26;
const MOST_LABELS: usize = 60;
/// Few modules must not make bars as wide as the panel.
const WIDEST_BAR: f64 = 64.0;

/// Blue and vermilion from a palette that colour-blind readers can tell apart, both dark enough
/// on white.
const COST: &str = "#0072b2";
const PARAMETERS: &str = "#c44e00";

/// One panel's data.
struct Panel<'a> {
    heading: String,
    colour: &'a str,
    values: Vec<u128>,
    top: f64,
}

pub(super) fn svg(report: &Report, layout: &Layout) -> String {
    // A line that holds others is their sum: they have the bars.
    let lines = lines(report, layout.all);
    let rows: Vec<&Line> = lines.iter().filter(|line| !line.holds).collect();
    let mut body = String::new();
    let mut y = 34.0;
    body += &text(LEFT, y, "class=\"name\"", &shortened(&report.model, 80));
    for line in subtitle(report) {
        y += 18.0;
        body += &text(LEFT, y, "class=\"sub\"", &line);
    }
    if !report.uncounted.is_empty() {
        let count = report.uncounted.iter().map(|part| part.operations).sum();
        y += 18.0;
        let warning = format!(
            "Not counted, as no rule covers them: {} operations",
            grouped(count)
        );
        body += &text(LEFT, y, "class=\"warning\"", &warning);
    }
    let total = &report.total;
    let cost = Panel {
        heading: format!(
            "Cost of the forward pass ({}), {} in total",
            report.convention.unit,
            short(total.cost)
        ),
        colour: COST,
        values: rows.iter().map(|row| row.figures.cost).collect(),
        top: y + HEADING,
    };
    let parameters = Panel {
        heading: format!("Parameters, {} in total", short(total.parameters.count())),
        colour: PARAMETERS,
        values: rows.iter().map(|row| row.figures.parameters).collect(),
        top: cost.top + PANEL + HEADING,
    };
    let tips: Vec<String> = rows.iter().map(|row| tip(report, row)).collect();
    body += &panel(&cost, &tips);
    body += &panel(&parameters, &tips);
    let bottom = parameters.top + PANEL;
    body += &labels(&rows, bottom);
    document(report, &body, bottom + LABELS)
}

fn document(report: &Report, body: &str, height: f64) -> String {
    let name = escape(&format!("Cost and parameters of {}", report.model));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{name}\">\n\
         <title>{name}</title>\n\
         <style>\n\
         text {{ font-family: sans-serif; font-size: 11px; fill: #333; }}\n\
         .name {{ font-size: 20px; font-weight: bold; fill: #111; }}\n\
         .sub {{ font-size: 13px; fill: #555; }}\n\
         .warning {{ font-size: 13px; font-weight: bold; fill: #a40000; }}\n\
         .heading {{ font-size: 14px; font-weight: bold; fill: #222; }}\n\
         .grid {{ stroke: #ddd; stroke-width: 1; }}\n\
         .axis {{ stroke: #888; stroke-width: 1; }}\n\
         g:hover .place {{ fill-opacity: 0.06; }}\n\
         </style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         {body}</svg>\n"
    )
}

fn subtitle(report: &Report) -> Vec<String> {
    let convention = &report.convention;
    let mut lines = wrapped(&format!("Input {}", specs(&report.inputs)), 125);
    lines.extend(wrapped(
        &format!("Convention {}: {}", convention.name, convention.definition),
        125,
    ));
    lines
}

/// A grid, its ticks and one bar per row. Each bar stands on a see-through one of full height, so
/// that a tooltip can be had for a bar too low to point at.
fn panel(panel: &Panel<'_>, tips: &[String]) -> String {
    let scale = Scale::new(panel.values.iter().copied().max().unwrap_or(0));
    let bottom = panel.top + PANEL;
    let mut body = text(LEFT, panel.top - 12.0, "class=\"heading\"", &panel.heading);
    for (share, label) in scale.ticks() {
        let y = bottom - share * PANEL;
        let class = if share == 0.0 { "axis" } else { "grid" };
        body += &format!(
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n",
            WIDTH - RIGHT
        );
        body += &text(LEFT - 8.0, y + 4.0, "text-anchor=\"end\"", &label);
    }
    let slot = slot(panel.values.len());
    let width = (slot * 0.8).min(WIDEST_BAR);
    for (index, (value, tip)) in panel.values.iter().zip(tips).enumerate() {
        let left = LEFT + slot * index as f64;
        let height = scale.share(*value) * PANEL;
        // Something must not look like nothing.
        let height = if *value > 0 { height.max(0.75) } else { 0.0 };
        body += &format!(
            "<g><title>{}</title><rect class=\"place\" x=\"{left:.2}\" y=\"{:.1}\" \
             width=\"{slot:.2}\" height=\"{PANEL}\" fill-opacity=\"0\"/><rect x=\"{:.2}\" y=\"{:.2}\" \
             width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{}\"/></g>\n",
            escape(tip),
            panel.top,
            left + (slot - width) / 2.0,
            bottom - height,
            panel.colour
        );
    }
    body
}

/// The paths below the panels; only every second, third … where there are too many.
fn labels(rows: &[&Line<'_>], bottom: f64) -> String {
    if rows.is_empty() {
        return text(LEFT, bottom + 20.0, "class=\"sub\"", "no modules to show");
    }
    let slot = slot(rows.len());
    let stride = rows.len().div_ceil(MOST_LABELS);
    let mut body = String::new();
    let paths: Vec<&str> = rows.iter().map(|row| row.path.as_str()).collect();
    let names = distinct(&paths, LABEL);
    for (index, name) in names.iter().enumerate().step_by(stride) {
        let x = LEFT + slot * (index as f64 + 0.5);
        let tick = bottom + 5.0;
        body += &format!(
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom:.1}\" y2=\"{tick:.1}\"/>\n"
        );
        let (x, y) = (x + 3.0, bottom + 14.0);
        let place = format!("text-anchor=\"end\" transform=\"rotate(-60 {x:.1} {y:.1})\"");
        body += &text(x, y, &place, name);
    }
    body
}

fn slot(rows: usize) -> f64 {
    (WIDTH - LEFT - RIGHT) / rows.max(1) as f64
}

fn tip(report: &Report, row: &Line<'_>) -> String {
    let output = row.outputs.first().map_or("-".to_owned(), |out| shape(out));
    let module = match row.module {
        "" => String::new(),
        module => format!(" ({module})"),
    };
    let count = match row.modules {
        1 => String::new(),
        modules => format!("\n{} equal modules, the sum of them", grouped(modules)),
    };
    let bound = match (report.bounds, row.figures.bound.roof()) {
        (Some(_), Some(roof)) => {
            let least = seconds(row.figures.bound.seconds());
            format!("\nat least {least}, bound by {roof}")
        }
        _ => String::new(),
    };
    format!(
        "{}{module}{count}\noutput {output}\ncost {} {} ({} %)\nparameters {}{bound}",
        row.path,
        grouped(row.figures.cost),
        report.convention.unit,
        percent(report.percent(row.figures.cost)),
        grouped(row.figures.parameters)
    )
}

fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>\n",
        escape(content)
    )
}

/// Text for XML. Control characters other than line feed and tab are not allowed there at all.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::render::sample;

    /// Fails unless every element that opens also closes, in order, and `&` starts an entity.
    fn check(svg: &str) {
        let mut open = Vec::new();
        for piece in svg.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap();
            assert!(!text.contains('>'), "{text}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split_whitespace().next().unwrap());
            }
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        }
        assert!(open.is_empty(), "{open:?}");
        for piece in svg.split('&').skip(1) {
            let entity = piece.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot"].contains(&entity), "{entity}");
        }
    }

    #[test]
    fn well_formed_for_few_and_many_rows() {
        for rows in [0, 1, 3, 60, 61, 200, 500] {
            check(&sample::deep(rows).to_svg());
        }
        check(&sample::extreme().to_svg());
    }

    #[test]
    fn names_are_escaped() {
        let mut report = sample::report();
        report.model = "a<b>&\"c\"\u{1}".to_owned();
        let svg = report.to_svg();
        check(&svg);
        assert!(
            svg.contains("a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}"),
            "{svg}"
        );
        assert!(svg.contains("head (Linear&lt;f32&gt;)"), "{svg}");
    }

    #[test]
    fn equal_siblings_share_a_bar() {
        let bars = |svg: String| svg.matches("class=\"place\"").count() / 2;
        let report = sample::equal(9);
        // The root's own share, the head, and three in each layer.
        assert_eq!(bars(report.to_svg()), 2 + 3);
        assert!(
            report
                .to_svg()
                .contains("layers.0–8.conv (Conv2d)\n9 equal modules")
        );
        let all = report.to_svg_with(&Layout::default().with_all(true));
        assert_eq!(bars(all), 2 + 9 * 3);
    }

    #[test]
    fn labels_are_thinned() {
        let count = |rows| sample::deep(rows).to_svg().matches("rotate(").count();
        assert_eq!((count(3), count(60), count(200)), (3, 60, 50));
    }
}
