//! `tertulia config print`: the settings as they are, and where each comes from.

use std::fmt::Write as _;

use super::Settings;
use super::error::{SettingsError, Source};
use super::keys::{ALL, Fallback, Key};
use super::reader::{Found, Input, Reader};

/// The settings as a file that would set them the same, but for secrets, which are not shown.
pub fn print(input: &Input<'_>) -> Result<String, SettingsError> {
    Settings::load(input)?;
    let mut read = Reader::new(input);
    let mut out = "# Settings of the server, as `tertulia config print` shows them.\n".to_owned();
    for key in ALL {
        let found = read.find(key).unwrap_or_default();
        let _ = write!(out, "\n# {}\n{}\n", key.help, line(&mut read, key, found));
    }
    Ok(out)
}

fn line(read: &mut Reader<'_>, key: &Key, found: Option<Found>) -> String {
    let name = key.name.to_ascii_lowercase();
    let Some(found) = found else {
        return match key.default {
            Fallback::Value(value) => format!("{name} = {} # {}", literal(value), Source::Default),
            Fallback::Said(text) => format!("# {name} is not set: {text}"),
        };
    };
    if key.hides() {
        return format!("# {name} is set, and not shown # {}", found.source);
    }
    // Of a setting and the file that may hold it the one with the better source holds.
    let held = key.name.strip_suffix("_FILE");
    let held = held.and_then(|held| ALL.iter().find(|key| key.name == held));
    let beaten = held.and_then(|held| read.find(held).ok().flatten());
    let unused = if beaten.is_some_and(|held| held.source < found.source) { "# " } else { "" };
    format!("{unused}{name} = {} # {}", literal(&found.value), found.source)
}

/// A value as TOML has it: numbers and switches bare, all else as a text. There are no control
/// characters in it.
fn literal(value: &str) -> String {
    let number = value.parse::<i64>().is_ok_and(|number| number.to_string() == value);
    if number || matches!(value, "true" | "false") {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
