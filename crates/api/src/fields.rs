//! Reads an input field by field, so that every fault of it is found, not only the first one.

use std::collections::BTreeSet;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};
use serde_json::map::Entry;
use serde_json::{Map, Value};
use tertulia_domain::{Fault, Faults, FileId, MessageBody, MessageId, Timestamp};

/// Unknown fields, and those that come twice, that an answer names; one fault is enough to be refused.
const MAX_NAMED: usize = 10;

/// Files of one message.
pub(crate) const MAX_ATTACHMENTS: usize = 10;

/// What can be read from the fields of a JSON object or a query string.
pub(crate) trait Input: Sized {
    /// Reads all fields; notes every fault. `None` only when one was noted.
    fn read(fields: &mut Fields) -> Option<Self>;
}

/// The fields of one input, and what was found wrong with them.
pub(crate) struct Fields {
    values: Map<String, Value>,
    faults: Faults,
    /// Names that came more than once.
    repeated: BTreeSet<String>,
    /// Whether numbers may come as text, as they do in a query string.
    textual: bool,
    /// Whether what nobody asked for is passed over.
    lenient: bool,
}

impl Fields {
    /// Of a JSON object.
    pub(crate) fn of_object(values: Map<String, Value>) -> Self {
        let (faults, repeated) = (Faults::new(), BTreeSet::new());
        Self { values, faults, repeated, textual: false, lenient: false }
    }

    /// Of a query string, in which no name comes twice.
    pub(crate) fn of_query(query: &str) -> Self {
        Self::of_pairs(query.as_bytes())
    }

    /// Of a form, as OAuth2 has them: parameters that one does not know are passed over (RFC 6749
    /// §3.2), and none comes twice.
    pub(crate) fn of_form(form: &[u8]) -> Self {
        Self { lenient: true, ..Self::of_pairs(form) }
    }

    fn of_pairs(text: &[u8]) -> Self {
        let mut fields = Self { textual: true, ..Self::of_object(Map::new()) };
        for (name, value) in url::form_urlencoded::parse(text) {
            match fields.values.entry(&*name) {
                Entry::Vacant(entry) => drop(entry.insert(Value::String(value.into_owned()))),
                Entry::Occupied(_) => drop(fields.repeated.insert(name.into_owned())),
            }
        }
        fields
    }

    /// A field that must be there. `parse` takes its text.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, Fault>,
    ) -> Option<T> {
        match self.optional(name, parse)? {
            Some(value) => Some(value),
            None => self.missing(name),
        }
    }

    /// A field that may be missing or null. The outer `None` means that it was bad.
    #[expect(clippy::option_option, reason = "bad, not given, given")]
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(String) -> Result<T, Fault>,
    ) -> Option<Option<T>> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::String(text)) => match parse(text) {
                Ok(value) => Some(Some(value)),
                Err(fault) => self.fault(name, fault),
            },
            Some(_) => self.fault(name, Fault::new("wrong_type", "a text")),
        }
    }

    /// A whole number within bounds, or `default`.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        default: i64,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        self.optional_number(name, bounds).map(|number| number.unwrap_or(default))
    }

    /// A whole number within bounds that may be missing.
    #[expect(clippy::option_option, reason = "bad, not given, given")]
    pub(crate) fn optional_number(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<Option<i64>> {
        let number = match self.values.remove(name) {
            None | Some(Value::Null) => return Some(None),
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) if self.textual => text.parse().ok(),
            Some(_) => None,
        };
        let Some(number) = number else {
            return self.fault(name, Fault::new("wrong_type", "a whole number"));
        };
        if bounds.contains(&number) {
            return Some(Some(number));
        }
        let message = match (*bounds.start(), *bounds.end()) {
            (start, i64::MAX) => format!("at least {start}"),
            (start, end) => format!("{start} to {end}"),
        };
        self.fault(name, Fault::new("out_of_range", message))
    }

    /// A whole number within bounds that must be there.
    pub(crate) fn required_number(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = self.optional_number(name, bounds)?;
        number.or_else(|| self.missing(name))
    }

    /// Yes or no.
    pub(crate) fn required_switch(&mut self, name: &'static str) -> Option<bool> {
        let switch = self.switch(name)?;
        switch.or_else(|| self.missing(name))
    }

    /// A list of texts with a bounded number of items that must be there.
    pub(crate) fn required_list<T>(
        &mut self,
        name: &'static str,
        max: usize,
        parse: impl Fn(String) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let list = self.list(name, max, parse)?;
        list.or_else(|| self.missing(name))
    }

    fn missing<T>(&mut self, name: &'static str) -> Option<T> {
        self.fault(name, Fault::new("missing", "this field is needed"))
    }

    /// Yes or no, or nothing.
    #[expect(clippy::option_option, reason = "bad, not given, given")]
    pub(crate) fn switch(&mut self, name: &'static str) -> Option<Option<bool>> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Some(None),
            Some(Value::Bool(on)) => Some(Some(on)),
            Some(_) => self.fault(name, Fault::new("wrong_type", "true or false")),
        }
    }

    /// A list of texts with a bounded number of items.
    #[expect(clippy::option_option, reason = "bad, not given, given")]
    pub(crate) fn list<T>(
        &mut self,
        name: &'static str,
        max: usize,
        parse: impl Fn(String) -> Result<T, Fault>,
    ) -> Option<Option<Vec<T>>> {
        let items = match self.values.remove(name) {
            None | Some(Value::Null) => return Some(None),
            Some(Value::Array(items)) => items,
            Some(_) => return self.fault(name, Fault::new("wrong_type", "a list")),
        };
        if items.len() > max {
            return self.fault(name, Fault::new("too_long", format!("at most {max} items")));
        }
        let mut parsed = Vec::with_capacity(items.len());
        let mut good = true;
        for (index, item) in items.into_iter().enumerate() {
            let item = match item {
                Value::String(text) => parse(text),
                _ => Err(Fault::new("wrong_type", "a text")),
            };
            match self.faults.check(format!("{name}.{index}"), item) {
                Some(item) => parsed.push(item),
                None => good = false,
            }
        }
        good.then_some(Some(parsed))
    }

    /// A fault that only the fields together show.
    pub(crate) fn fault<T>(&mut self, name: &'static str, fault: Fault) -> Option<T> {
        self.faults.push(name, fault);
        None
    }

    /// Reads the input, or says all that is wrong with it. What nobody asked for is a fault, and what
    /// comes twice, too: which of the two would count is anybody's guess.
    pub(crate) fn read<T: Input>(mut self) -> Result<T, Faults> {
        let input = T::read(&mut self);
        let known = self.repeated.iter().filter(|name| !self.values.contains_key(*name));
        for name in known.take(MAX_NAMED) {
            self.faults.push(name.clone(), Fault::new("duplicate", "this comes twice"));
        }
        if !self.lenient {
            for name in self.values.keys().take(MAX_NAMED) {
                let field: String = name.chars().take(64).collect();
                self.faults.push(field, Fault::new("unknown_field", "there is no such field"));
            }
        }
        self.faults.ok()?;
        match input {
            Some(input) => Ok(input),
            None => Err(Faults::one("", Fault::new("invalid", "the input is not valid"))),
        }
    }
}

/// Parses an id; what is no id is a fault.
#[expect(clippy::needless_pass_by_value, reason = "what parses a field takes its text")]
pub(crate) fn id<T: FromStr>(text: String) -> Result<T, Fault> {
    text.parse().map_err(|_| Fault::new("bad_id", "a UUID"))
}

/// Parses a time (RFC 3339).
#[expect(clippy::needless_pass_by_value, reason = "what parses a field takes its text")]
pub(crate) fn time(text: String) -> Result<Timestamp, Fault> {
    let bad = || Fault::new("bad_time", "a time such as 2026-11-21T09:30:00Z");
    if text.len() > MAX_TIME {
        return Err(bad());
    }
    let parsed: Result<_, serde::de::value::Error> =
        Timestamp::deserialize(text.as_str().into_deserializer());
    parsed.map_err(|_| bad())
}

/// Longer than any time that means something.
const MAX_TIME: usize = 64;

/// Parses an id that a client chose for its message.
pub(crate) fn message_id(text: String) -> Result<MessageId, Fault> {
    id::<MessageId>(text).and_then(|id| {
        if id.is_v7() { Ok(id) } else { Err(Fault::new("bad_id", "a UUID of version 7")) }
    })
}

/// What a message says and brings: a text, files, or both.
pub(crate) fn content(fields: &mut Fields) -> Option<(Option<MessageBody>, Vec<FileId>)> {
    let files = files(fields);
    let body = match &files {
        Some(files) if files.is_empty() => fields.required("content", MessageBody::parse).map(Some),
        // Beside files, nothing need be said.
        _ => fields
            .optional("content", |text| match &*text {
                "" => Ok(None),
                _ => MessageBody::parse(text).map(Some),
            })
            .map(Option::flatten),
    };
    Some((body?, files?))
}

/// The files that go with a text, each once.
pub(crate) fn files(fields: &mut Fields) -> Option<Vec<FileId>> {
    let files = fields.list("attachments", MAX_ATTACHMENTS, id::<FileId>)?.unwrap_or_default();
    if files.iter().enumerate().any(|(index, file)| files[..index].contains(file)) {
        return fields.fault("attachments", Fault::new("duplicate", "each file once"));
    }
    Some(files)
}

/// Keeps a text that no rule but these is for: at most `max` characters, and no NUL, which
/// PostgreSQL has not.
pub(crate) fn text(max: usize) -> impl FnOnce(String) -> Result<String, Fault> {
    move |text| {
        if text.contains('\0') {
            return Err(Fault::new("bad_character", "no NUL character"));
        }
        if text.chars().nth(max).is_some() {
            return Err(Fault::new("too_long", format!("at most {max} characters")));
        }
        Ok(text)
    }
}

/// A JSON object in which no field comes twice: which of the two would count is anybody's guess.
pub(crate) struct Object(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field comes twice"));
                    }
                }
                Ok(Object(map))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
