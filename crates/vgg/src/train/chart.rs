//! Pictures of a run, as SVG.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::evaluate::Evaluation;
use super::history::EpochMetrics;

const TRAIN: RGBColor = RGBColor(31, 119, 180);
const TEST: RGBColor = RGBColor(214, 39, 40);
const FONT: &str = "sans-serif";

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Loss and accuracy over the epochs, side by side.
pub(super) fn curve(rows: &[EpochMetrics]) -> Result<String, String> {
    draw((960, 400), |root| {
        let (left, right) = root.split_horizontally(480);
        panel(&left, "loss", rows, |row| [row.train_loss, row.test_loss])?;
        panel(&right, "accuracy", rows, |row| {
            [row.train_accuracy, row.test_accuracy]
        })
    })
}

fn draw(size: (u32, u32), content: impl FnOnce(&Area) -> Drawn) -> Result<String, String> {
    let mut svg = String::new();
    let drawn = {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)
            .and_then(|()| content(&root))
            .and_then(|()| root.present())
            .map_err(|error| error.to_string())
    };
    drawn.map(|()| svg)
}

fn panel(
    area: &Area,
    title: &str,
    rows: &[EpochMetrics],
    values: impl Fn(&EpochMetrics) -> [f64; 2],
) -> Drawn {
    let epochs = rows.first().map_or(0, |row| row.epoch)..rows.last().map_or(1, |row| row.epoch);
    let epochs = epochs.start as f64 - 0.2..epochs.end as f64 + 0.2;
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 20))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(epochs, range(rows.iter().flat_map(&values)))?;
    chart
        .configure_mesh()
        .x_desc("epoch")
        .x_labels(rows.len().clamp(2, 10))
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .light_line_style(WHITE)
        .draw()?;
    for (index, name, colour) in [(0, "train", TRAIN), (1, "test", TEST)] {
        let points = rows
            .iter()
            .map(|row| (row.epoch as f64, values(row)[index]));
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart.draw_series(points.map(|point| Circle::new(point, 3, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .draw()
}

/// A range that holds all finite values with some room around them.
fn range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return 0.0..1.0;
    }
    let room = ((high - low) * 0.08).max(1e-3);
    low - room..high + room
}

/// Which images (rows) were taken for what (columns), as a table of shades.
pub(super) fn confusion(evaluation: &Evaluation, classes: &[String]) -> Result<String, String> {
    const MARGIN: i32 = 110;
    let count = classes.len() as i32;
    let cell = (640 / count.max(1)).clamp(8, 52);
    let side = (MARGIN + cell * count + 20) as u32;
    let numbers = cell >= 24;
    draw((side, side + 30), |root| {
        let title = format!(
            "test accuracy {:.4}: class (row), answer (column)",
            evaluation.accuracy()
        );
        root.draw(&Text::new(title, (10, 10), (FONT, 16)))?;
        for (row, counts) in evaluation.confusion.iter().enumerate() {
            let total = counts.iter().sum::<usize>().max(1) as f64;
            let y = 30 + MARGIN + row as i32 * cell;
            for (column, &images) in counts.iter().enumerate() {
                let x = MARGIN + column as i32 * cell;
                let share = images as f64 / total;
                let colour = if row == column { TRAIN } else { TEST };
                let corners = [(x, y), (x + cell - 1, y + cell - 1)];
                root.draw(&Rectangle::new(corners, colour.mix(share.sqrt()).filled()))?;
                if numbers && images > 0 {
                    let at = (x + 4, y + cell / 2 - 6);
                    root.draw(&Text::new(images.to_string(), at, (FONT, 12)))?;
                }
            }
        }
        if numbers {
            for (index, name) in classes.iter().enumerate() {
                let at = index as i32 * cell + cell / 2;
                root.draw(&Text::new(
                    name.clone(),
                    (8, 30 + MARGIN + at - 6),
                    (FONT, 12),
                ))?;
                let upright = (FONT, 12).into_font().transform(FontTransform::Rotate270);
                root.draw(&Text::new(
                    name.clone(),
                    (MARGIN + at - 6, 24 + MARGIN),
                    upright,
                ))?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize, value: f64) -> EpochMetrics {
        EpochMetrics {
            epoch,
            learning_rate: 0.1,
            train_loss: value,
            train_accuracy: 0.5,
            test_loss: value / 2.0,
            test_accuracy: 0.6,
        }
    }

    #[test]
    fn a_curve_has_a_point_for_each_figure() {
        for rows in [
            vec![row(1, 2.0)],
            vec![row(1, 2.0), row(2, 1.0), row(3, 0.5)],
        ] {
            let svg = curve(&rows).expect("drawn");
            assert!(svg.trim_start().starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
            assert_eq!(svg.matches("<circle").count(), 4 * rows.len());
        }
    }

    #[test]
    fn figures_that_are_no_numbers_do_not_break_a_curve() {
        curve(&[row(1, f64::NAN), row(2, f64::INFINITY)]).expect("drawn");
        curve(&[]).expect("drawn");
    }

    #[test]
    fn a_confusion_shows_counts_and_names() {
        let evaluation = Evaluation {
            confusion: vec![vec![7, 3], vec![0, 11]],
            loss: 0.0,
        };
        let svg = confusion(&evaluation, &["left".into(), "right".into()]).expect("drawn");
        for text in ["left", "right", "7", "3", "11", "test accuracy 0.8571"] {
            assert!(svg.contains(text), "{text}");
        }
    }
}
