//! What a run found, as a table and as JSON.

use serde_json::{Map, Value, json};
use std::fmt::Write;

/// One measured number.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// Its name in JSON, with the unit.
    pub(crate) key: &'static str,
    /// Its column's head.
    pub(crate) title: &'static str,
    /// The number; `None` when it could not be measured (no process id was given).
    pub(crate) value: Option<f64>,
    /// Digits behind the point.
    pub(crate) decimals: usize,
}

/// What one case of a scenario found.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The scenario.
    pub(crate) scenario: &'static str,
    /// Which case of it.
    pub(crate) case: String,
    /// What was measured.
    pub(crate) figures: Vec<Figure>,
    /// What a reader should know besides.
    pub(crate) notes: Vec<String>,
    /// What was wrong; empty when every check held.
    pub(crate) failures: Vec<String>,
}

/// A figure, from something that converts to a float without loss worth speaking of.
pub(crate) fn figure(
    key: &'static str,
    title: &'static str,
    value: impl Into<Option<f64>>,
    decimals: usize,
) -> Figure {
    Figure { key, title, value: value.into(), decimals }
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "counts of a run fit into 52 bits")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

/// The medians of several runs of one case, with all that any of them noted.
pub(crate) fn median(runs: Vec<Outcome>) -> Option<Outcome> {
    let mut result = runs.first()?.clone();
    for (index, figure) in result.figures.iter_mut().enumerate() {
        let mut values: Vec<f64> =
            runs.iter().filter_map(|run| run.figures.get(index)?.value).collect();
        values.sort_unstable_by(f64::total_cmp);
        let upper = values.get(values.len() / 2).copied();
        let lower = values.get(values.len().saturating_sub(1) / 2).copied();
        figure.value = upper.zip(lower).map(|(a, b)| f64::midpoint(a, b));
    }
    result.notes.clear();
    result.failures.clear();
    for run in runs {
        for note in run.notes {
            if !result.notes.contains(&note) {
                result.notes.push(note);
            }
        }
        result.failures.extend(run.failures);
    }
    Some(result)
}

/// Aligned tables, one for each run of cases with the same columns, then notes and failures.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for group in outcomes.chunk_by(|a, b| columns(a).eq(columns(b))) {
        let mut rows = vec![header(&group[0])];
        rows.extend(group.iter().map(row));
        align(&mut text, &rows);
        for outcome in group {
            for note in &outcome.notes {
                let _ = writeln!(text, "  {} {}: {note}", outcome.scenario, outcome.case);
            }
            for failure in &outcome.failures {
                let _ = writeln!(text, "  FAILED {} {}: {failure}", outcome.scenario, outcome.case);
            }
        }
        text.push('\n');
    }
    text
}

/// The outcomes as JSON.
pub(crate) fn json(outcomes: &[Outcome]) -> Value {
    outcomes
        .iter()
        .map(|outcome| {
            let figures: Map<String, Value> = outcome
                .figures
                .iter()
                .map(|figure| (figure.key.to_owned(), json!(figure.value)))
                .collect();
            json!({
                "scenario": outcome.scenario,
                "case": outcome.case,
                "figures": figures,
                "notes": outcome.notes,
                "failures": outcome.failures,
            })
        })
        .collect()
}

fn columns(outcome: &Outcome) -> impl Iterator<Item = &'static str> {
    let titles = outcome.figures.iter().map(|figure| figure.title);
    std::iter::once(outcome.scenario).chain(titles)
}

fn header(outcome: &Outcome) -> Vec<String> {
    columns(outcome).map(str::to_owned).collect()
}

fn row(outcome: &Outcome) -> Vec<String> {
    let figures = outcome.figures.iter().map(|figure| match figure.value {
        Some(value) => format!("{value:.*}", figure.decimals),
        None => "-".to_owned(),
    });
    let mark = if outcome.failures.is_empty() { "" } else { " !" };
    std::iter::once(format!("{}{mark}", outcome.case)).chain(figures).collect()
}

/// The first column to the left, numbers to the right.
fn align(text: &mut String, rows: &[Vec<String>]) {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 {
                write!(text, "{cell:<width$}")
            } else {
                write!(text, "  {cell:>width$}")
            };
        }
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(case: &str, value: impl Into<Option<f64>>) -> Outcome {
        Outcome {
            scenario: "room",
            case: case.into(),
            figures: vec![figure("acks_per_second", "acks/s", value, 1)],
            notes: Vec::new(),
            failures: Vec::new(),
        }
    }

    #[test]
    fn columns_are_aligned_and_what_is_unknown_is_a_dash() {
        let mut failed = outcome("b", None);
        failed.failures.push("client 3 saw nothing".into());
        let text = table(&[outcome("a longer case", 1234.56), failed]);
        let wanted = "room           acks/s\n\
                      a longer case  1234.6\n\
                      b !                 -\n\
                      \x20 FAILED room b: client 3 saw nothing\n\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn medians_are_taken_figure_by_figure() {
        let of = |values: &[f64]| {
            let runs = values.iter().map(|value| outcome("a", *value)).collect();
            median(runs).unwrap().figures[0].value
        };
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(of(&[4.0, 1.0]), Some(2.5));
        assert!(median(Vec::new()).is_none());
    }

    #[test]
    fn json_has_the_figures_by_name() {
        let value = json(&[outcome("a", 2.0)]);
        assert_eq!(value[0]["figures"]["acks_per_second"], 2.0);
        assert_eq!(value[0]["case"], "a");
    }
}
