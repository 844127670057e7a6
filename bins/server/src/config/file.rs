//! `tertulia.toml`: the settings under their names in lower case, `port = 8000`. Lists may be lists.
//! What is no setting is a fault here, since nothing else reads this file.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::env_file::Entry;
use super::error::Source;
use super::keys::ALL;

/// A settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// How faults call it.
    pub name: String,
    /// What stands in it.
    pub text: String,
    /// Whether every user of the machine can read it.
    pub open: bool,
}

/// What a file sets, and where.
pub(super) struct Assignments {
    name: Arc<str>,
    pub(super) entries: Vec<Entry>,
    /// Whether every user of the machine can read it.
    pub(super) open: bool,
}

impl Assignments {
    /// Reads a file: what it sets, and every fault in it, a line each. No fault shows a value.
    pub(super) fn read(file: &ConfigFile) -> (Self, Vec<String>) {
        let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
        let line =
            |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut entries = Vec::new();
        let mut faults = Vec::new();
        for error in errors {
            let line = line(error.span().map_or(0, |span| span.start));
            let reason = error.message().lines().next().unwrap_or("this is not TOML");
            faults.push((line, format!("{}, line {line}: {reason}", file.name)));
        }
        for (key, value) in table.get_ref() {
            let (key, line) = (key.get_ref(), line(key.span().start));
            let known = ALL.iter().find(|known| known.name.to_ascii_lowercase() == **key);
            let read = known.ok_or_else(|| unknown(key)).and_then(|known| {
                let value = text_of(value.get_ref())?;
                Ok(Entry { name: known.name.to_owned(), value, line })
            });
            match read {
                Ok(entry) => entries.push(entry),
                Err(reason) => {
                    let shown: String = key.chars().filter(|c| !c.is_control()).take(80).collect();
                    faults.push((line, format!("{shown} ({}, line {line}): {reason}", file.name)));
                }
            }
        }
        faults.sort_by_key(|(line, _)| *line);
        let name = Arc::from(file.name.as_str());
        (Self { name, entries, open: file.open }, faults.into_iter().map(|(_, it)| it).collect())
    }

    /// What it gives for a setting, and where.
    pub(super) fn find(&self, name: &str) -> Option<(String, Source)> {
        let entry = self.entries.iter().find(|entry| entry.name == name)?;
        Some((entry.value.clone(), Source::File(Arc::clone(&self.name), entry.line)))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// A value as the environment would have it.
fn text_of(value: &DeValue<'_>) -> Result<String, String> {
    const WANTED: &str = "a text, a whole number, true, false or a list of texts is wanted";
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        DeValue::Boolean(on) => Ok(on.to_string()),
        DeValue::Array(items) => {
            let texts: Option<Vec<&str>> =
                items.iter().map(|item| item.get_ref().as_str()).collect();
            let texts = texts.ok_or_else(|| WANTED.to_owned())?;
            serde_json::to_string(&texts).map_err(|_| WANTED.to_owned())
        }
        _ => Err(WANTED.to_owned()),
    }
}

/// What is no setting; what it may have been meant to be.
fn unknown(key: &str) -> String {
    let asked = key.to_ascii_lowercase().replace('-', "_");
    let names = ALL.iter().map(|key| key.name.to_ascii_lowercase());
    let near = names
        .map(|name| (strsim::damerau_levenshtein(&name, &asked), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 6)
        .min();
    match near {
        Some((_, name)) => format!("this is no setting; did you mean {name}?"),
        None => "this is no setting".to_owned(),
    }
}
