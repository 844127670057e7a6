//! Whom a message calls by name.

use std::collections::HashMap;

use serde::Serialize;
use unicode_normalization::char::is_combining_mark;
use utoipa::ToSchema;

use crate::{MessageBody, UserId, Username};

mod markdown;

/// At most as many different people are mentioned in one message; further names are plain text.
pub const MAX_MENTIONS: usize = 50;

/// The longest name that anybody can have, in characters.
const MAX_NAME: usize = 32;

/// The name by which everybody in a channel is called.
const EVERYBODY: &str = "channel";

/// Whom a message mentions who was in the channel when it was said, or edited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Mentions {
    /// People by name, in the order in which they are named, without the author; at most 50.
    #[schema(max_items = 50)]
    pub users: Vec<UserId>,
    /// Whether everybody in the channel is mentioned (`@channel`).
    pub channel: bool,
}

impl Mentions {
    /// Whether somebody is mentioned, by name or with everybody.
    pub fn includes(&self, user: UserId) -> bool {
        self.channel || self.users.contains(&user)
    }

    /// Whether nobody is mentioned.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && !self.channel
    }
}

/// People by the key of their username.
pub type Names = HashMap<String, UserId>;

/// What a text says after its `@`s, before anybody knows who that is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// For each call the keys of the names that may be meant, the longest first: `@ann.` calls
    /// `ann.` if there is such a person, else `ann`. At most 50.
    names: Vec<Vec<String>>,
    /// Whether everybody is called.
    pub channel: bool,
}

impl Calls {
    /// Finds whom a text calls: an `@` and a name, at the beginning or after what can be no part of
    /// an address or a path, outside of Markdown's code. The `@` of `\@` is only an `@`.
    pub fn of(text: &str) -> Self {
        let mut calls = Self::default();
        if !text.contains('@') {
            return calls;
        }
        for part in markdown::outside_code(text) {
            calls.find(part);
        }
        calls
    }

    /// Whether nobody is called.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.channel
    }

    /// The keys of all names that may be meant.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.names.iter().flatten()
    }

    /// Who is meant, each once, in the order of the calls.
    pub fn people(&self, names: &Names) -> Vec<UserId> {
        let mut people = Vec::new();
        for keys in &self.names {
            let meant = keys.iter().find_map(|key| names.get(key));
            people.extend(meant.filter(|user| !people.contains(*user)).copied());
        }
        people
    }

    fn find(&mut self, text: &str) {
        for (at, _) in text.match_indices('@') {
            if text[..at].chars().next_back().is_some_and(glues) {
                continue;
            }
            let rest = &text[at + 1..];
            let end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            // What goes on with another `@` is an address of elsewhere.
            if after.starts_with('@') || !name.starts_with(char::is_alphanumeric) {
                continue;
            }
            self.call(name);
        }
    }

    fn call(&mut self, mut name: &str) {
        let mut keys = Vec::new();
        loop {
            // Whoever is called so has a name that can be somebody's, normalised or not.
            if name.chars().nth(MAX_NAME).is_none() {
                let key = Username::key_of(name);
                if key == EVERYBODY {
                    self.channel = true;
                    return;
                }
                keys.push(key);
            }
            let shorter = name.strip_suffix(['.', '-', '_']).filter(|name| !name.is_empty());
            match shorter {
                Some(shorter) => name = shorter,
                None => break,
            }
        }
        if !keys.is_empty() && self.names.len() < MAX_MENTIONS && !self.names.contains(&keys) {
            self.names.push(keys);
        }
    }
}

impl MessageBody {
    /// Whom it calls.
    pub fn calls(&self) -> Calls {
        Calls::of(self.as_str())
    }
}

/// What an `@` that calls somebody does not stand behind: the end of an address's first half, of a
/// path, another `@`, or what makes it an ordinary character.
fn glues(c: char) -> bool {
    c.is_alphanumeric()
        || is_combining_mark(c)
        || matches!(c, '_' | '+' | '-' | '@' | '\\' | '/' | '=' | '%' | '&' | '~' | '#')
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-') || is_combining_mark(c)
}

#[cfg(test)]
mod tests;
