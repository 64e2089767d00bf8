//! Pieces of pictures.

pub(crate) const WIDTH: f64 = 900.0;

/// Blue, vermilion, green, orange, purple, grey: a palette that colour-blind readers can tell apart.
const COLOURS: [&str; 6] = [
    "#0072b2", "#c44e00", "#00795a", "#b07800", "#a0568a", "#666666",
];

/// Things that get a colour each, in the order in which they came.
#[derive(Default)]
pub(crate) struct Coloured {
    names: Vec<String>,
}

impl Coloured {
    /// The colour of `name`, a new one if it has none yet.
    pub(crate) fn colour(&mut self, name: &str) -> &'static str {
        let known = self.names.iter().position(|other| other == name);
        let place = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        COLOURS[place % COLOURS.len()]
    }

    /// All of them, with their colours.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let names = self.names.iter().map(String::as_str);
        names.zip(COLOURS.into_iter().cycle())
    }
}

/// A logarithmic scale from powers of ten to places.
pub(crate) struct Logarithmic {
    pub(crate) least: f64,
    most: f64,
    places: [f64; 2],
}

impl Logarithmic {
    pub(crate) fn around(values: impl Iterator<Item = f64>, places: [f64; 2]) -> Self {
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

    pub(crate) fn place(&self, value: f64) -> f64 {
        let part = (value / self.least).log10() / (self.most / self.least).log10();
        self.places[0] + part * (self.places[1] - self.places[0])
    }

    pub(crate) fn decades(&self) -> impl Iterator<Item = f64> {
        let count = (self.most / self.least).log10().round() as i32;
        let first = self.least.log10().round() as i32;
        (0..=count).map(move |step| 10f64.powi(first + step))
    }
}

/// A number with so many digits in all.
pub(crate) struct Digits(pub(crate) f64);

impl std::fmt::Display for Digits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = f.precision().unwrap_or(3) as i32;
        let whole = self.0.abs().max(1e-9).log10().floor() as i32 + 1;
        write!(f, "{:.*}", (digits - whole.max(1)).max(0) as usize, self.0)
    }
}

pub(crate) fn text(x: f64, y: f64, attributes: &str, content: &str) -> String {
    let content = escape(content);
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{content}</text>\n")
}

pub(crate) fn line([x1, y1, x2, y2]: [f64; 4], colour: &str) -> String {
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>\n"
    )
}

pub(crate) fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

pub(crate) fn document(name: &str, body: &str, height: f64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_colour() {
        let mut sides = Coloured::default();
        let first = sides.colour("a");
        assert_ne!(sides.colour("b"), first);
        assert_eq!(sides.colour("a"), first);
        let names: Vec<_> = sides.all().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn scales_end_at_powers_of_ten() {
        let scale = Logarithmic::around([3.0, 250.0].into_iter(), [0.0, 300.0]);
        assert_eq!(
            scale.decades().collect::<Vec<_>>(),
            [1.0, 10.0, 100.0, 1000.0]
        );
        assert!((scale.place(100.0) - 200.0).abs() < 1e-9);
        // Without values there is a scale still.
        assert_eq!(
            Logarithmic::around([].into_iter(), [0.0, 1.0])
                .decades()
                .count(),
            2
        );
    }

    #[test]
    fn texts_are_escaped() {
        assert_eq!(escape("a < \"b\" & c"), "a &lt; &quot;b&quot; &amp; c");
        assert_eq!(
            format!("{:.3} {:.3}", Digits(0.12345), Digits(1234.5)),
            "0.12 1234"
        );
    }
}
