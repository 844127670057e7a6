//! What is wrong with the settings, and where each wrong value came from.

use std::fmt;
use std::sync::Arc;

/// Where a value came from. The lesser wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The command line.
    Flag,
    /// The process's environment.
    Environment,
    /// This line of `.env`, counted from 1.
    EnvFile(usize),
    /// The settings file of this name, and the line of it, counted from 1.
    File(Arc<str>, usize),
    /// Nowhere: it is the default.
    Default,
}

impl Source {
    /// Whether neither of two values wins over the other.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("command line"),
            Self::Environment => f.write_str("environment"),
            Self::EnvFile(line) => write!(f, ".env, line {line}"),
            Self::File(name, line) => write!(f, "{name}, line {line}"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Every fault in the settings, one line each; each line names its setting, and none shows a
/// secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct SettingsError(Vec<String>);

impl SettingsError {
    /// These faults, one line each.
    pub fn new(lines: Vec<String>) -> Self {
        Self(lines)
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}
