//! What a run leaves behind: charts, weights, figures.

use super::chart;
use super::config::RunConfig;
use super::error::TrainError;
use super::evaluate::Evaluation;
use super::finite::is_finite;
use super::history::History;
use super::run_folder::{ClassSummary, RunFolder};
use crate::classifier::Classifier;
use crate::model::Vgg;

/// Draws the charts.
pub(super) fn draw(
    folder: &RunFolder,
    config: &RunConfig,
    history: &History,
    evaluation: &Evaluation,
) -> Result<(), TrainError> {
    let drawn = |name: &str, svg: Result<String, String>| {
        let svg = svg.map_err(|error| TrainError::broken(&folder.path().join(name), error))?;
        folder.write(name, &svg)
    };
    drawn("curve.svg", chart::curve(&history.rows()))?;
    drawn(
        "confusion.svg",
        chart::confusion(evaluation, &config.classes),
    )
}

/// Saves the network, unless it is of no use: then what was saved before stays.
pub(super) fn save(folder: &RunFolder, config: &RunConfig, network: Vgg) -> Result<(), TrainError> {
    if !is_finite(&network)? {
        return Err(TrainError::Stopped(
            "weights of the network are not finite, and were not saved".to_owned(),
        ));
    }
    let (classes, preprocessing) = (config.classes.clone(), config.preprocessing.clone());
    let classifier = Classifier::new(network, classes, preprocessing)?;
    Ok(classifier.save(folder.weights(), config.precision)?)
}

pub(super) fn class_summaries(evaluation: &Evaluation, classes: &[String]) -> Vec<ClassSummary> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let scores = evaluation.scores().into_iter().zip(classes);
    scores
        .map(|(score, name)| ClassSummary {
            name: name.clone(),
            precision: finite(score.precision),
            recall: finite(score.recall),
        })
        .collect()
}
