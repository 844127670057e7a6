//! Finds each setting in the source that wins, and collects every fault instead of the first.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::path::Path;

use super::env_file::{self, Entry};
use super::file::{Assignments, ConfigFile};
use super::keys::{Fallback, Key};
use super::{SettingsError, Source};

/// Where settings come from. Flags win over the environment, which wins over `.env`, which wins over
/// the settings file; an empty value is as good as none.
pub struct Input<'a> {
    /// Setting names (`DATA_DIR`) and what the command line gives for them.
    pub flags: &'a BTreeMap<&'static str, String>,
    /// The environment; bytes that were not UTF-8 stand as U+FFFD.
    pub environment: &'a BTreeMap<String, String>,
    /// The text of `.env`, empty if there is none.
    pub env_file: &'a str,
    /// The settings file, if there is one.
    pub file: Option<&'a ConfigFile>,
    /// Reads the file that a `*_FILE` setting names.
    pub read_file: &'a dyn Fn(&Path) -> io::Result<String>,
}

pub(super) struct Reader<'a> {
    input: &'a Input<'a>,
    env_file: Vec<Entry>,
    file: Option<Assignments>,
    faults: Vec<String>,
}

/// A fault was noted; [`Reader::finish`] tells it.
#[derive(Clone, Copy)]
pub(super) struct Noted;

/// A value and where it was found.
pub(super) struct Found {
    pub(super) value: String,
    pub(super) source: Source,
}

impl<'a> Reader<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Self {
        let (env_file, bad) = env_file::parse(input.env_file);
        let mut faults: Vec<_> =
            bad.iter().map(|bad| format!(".env, line {}: {}", bad.line, bad.reason)).collect();
        let (file, bad) = input.file.map(Assignments::read).unzip();
        faults.extend(bad.into_iter().flatten());
        Self { input, env_file, file, faults }
    }

    /// What the settings file sets.
    pub(super) fn file(&self) -> Option<&Assignments> {
        self.file.as_ref()
    }

    /// What `.env` assigns.
    pub(super) fn env_file(&self) -> &[Entry] {
        &self.env_file
    }

    /// The setting, parsed, or its default.
    pub(super) fn value<T, E: Display>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Noted> {
        let found = self.find(key)?.unwrap_or_else(|| Found {
            value: match key.default {
                Fallback::Value(default) => default.to_owned(),
                Fallback::Said(_) => String::new(),
            },
            source: Source::Default,
        });
        parse(&found.value).or_else(|reason| self.fault(key, &found, &reason))
    }

    /// The setting, parsed, if any source sets it.
    pub(super) fn optional<T, E: Display>(
        &mut self,
        key: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Noted> {
        let Some(found) = self.find(key)? else { return Ok(None) };
        parse(&found.value).map(Some).or_else(|reason| self.fault(key, &found, &reason))
    }

    /// As [`Reader::optional`], where `file` may name a file that holds the value instead.
    pub(super) fn optional_or_file<T, E: Display>(
        &mut self,
        key: &Key,
        file: &Key,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Noted> {
        let (direct, path) = (self.find(key)?, self.find(file)?);
        let (found, named) = match (direct, path) {
            (None, None) => return Ok(None),
            (Some(direct), Some(path)) if direct.source.is_beside(&path.source) => {
                let both = format!("{} is set there too; keep one", file.name);
                return self.note(key.name, &direct.source, &both);
            }
            (Some(direct), Some(path)) if direct.source < path.source => (direct, key),
            (Some(direct), None) => (direct, key),
            (_, Some(path)) => (self.contents(file, path)?, file),
        };
        // What a file holds is a secret, whatever the setting that names the file.
        let parsed = parse(&found.value).map(Some);
        parsed.or_else(|reason| self.note(named.name, &found.source, &reason))
    }

    /// Notes that `key` goes with `other`, which is set.
    pub(super) fn missing<T>(&mut self, key: &Key, other: &Key) -> Result<T, Noted> {
        self.faults.push(format!("{} is needed with {}", key.name, other.name));
        Err(Noted)
    }

    /// The settings, if nothing was wrong.
    pub(super) fn finish<T>(self, settings: Result<T, Noted>) -> Result<T, SettingsError> {
        match settings {
            Ok(settings) if self.faults.is_empty() => Ok(settings),
            _ => Err(SettingsError::new(self.faults)),
        }
    }

    pub(super) fn find(&mut self, key: &Key) -> Result<Option<Found>, Noted> {
        let flag = self.input.flags.get(key.name).map(|value| (value.clone(), Source::Flag));
        let variable = || {
            let value = self.input.environment.get(key.name)?;
            Some((value.clone(), Source::Environment))
        };
        let line = || {
            let entry = self.env_file.iter().rfind(|entry| entry.name == key.name)?;
            Some((entry.value.clone(), Source::EnvFile(entry.line)))
        };
        let not_empty = |(value, _): &(String, Source)| !value.trim().is_empty();
        let file = || self.file.as_ref()?.find(key.name);
        let found = flag
            .filter(not_empty)
            .or_else(|| variable().filter(not_empty))
            .or_else(|| line().filter(not_empty))
            .or_else(|| file().filter(not_empty));
        let Some((value, source)) = found else { return Ok(None) };
        if value.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return self.note(key.name, &source, &"control characters or bytes that are not UTF-8");
        }
        Ok(Some(Found { value: value.trim().to_owned(), source }))
    }

    fn contents(&mut self, key: &Key, path: Found) -> Result<Found, Noted> {
        let Found { value: path, source } = path;
        match (self.input.read_file)(Path::new(&path)) {
            Ok(text) if text.trim().is_empty() => {
                self.note(key.name, &source, &format!("the file {path:?} is empty"))
            }
            Ok(text) => Ok(Found { value: text.trim().to_owned(), source }),
            Err(error) => {
                self.note(key.name, &source, &format!("{path:?} cannot be read: {error}"))
            }
        }
    }

    fn fault<T>(&mut self, key: &Key, found: &Found, reason: &dyn Display) -> Result<T, Noted> {
        if key.secret {
            return self.note(key.name, &found.source, reason);
        }
        let shown: String = found.value.chars().take(80).collect();
        self.note(&format!("{} = {shown:?}", key.name), &found.source, reason)
    }

    fn note<T>(&mut self, name: &str, source: &Source, reason: &dyn Display) -> Result<T, Noted> {
        self.faults.push(format!("{name} ({source}): {reason}"));
        Err(Noted)
    }
}
