//! What is asked for, in the words of who asks.

use time::Date;
use time::macros::format_description;

use super::words::{Word, words};
use crate::{ChannelName, Fault, Timestamp, Username};

/// A search: all of its terms, none of those that it excludes, within its filters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchQuery {
    /// What the message says, and what it does not.
    pub terms: Vec<SearchTerm>,
    /// The keys of usernames: by one of them.
    pub from: Vec<String>,
    /// Ids of channels or keys of their names: in one of them.
    pub within: Vec<String>,
    /// Sent before then.
    pub before: Option<Timestamp>,
    /// Sent then or later.
    pub since: Option<Timestamp>,
    /// With a file.
    pub has_file: bool,
    /// With a link.
    pub has_link: bool,
}

/// Words that stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerm {
    /// One or more, as [`words`] gives them.
    pub words: Vec<String>,
    /// Whether the last one is only a beginning.
    pub prefix: bool,
    /// Whether this is what the message must not say.
    pub excluded: bool,
}

impl SearchQuery {
    /// The most characters of a query.
    pub const MAX_CHARS: usize = 256;
    /// The most terms and filters of a query.
    pub const MAX_TERMS: usize = 16;

    /// Parses a query, or says all that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > Self::MAX_CHARS * 4 || text.chars().count() > Self::MAX_CHARS {
            let message = format!("at most {} characters", Self::MAX_CHARS);
            return Err(vec![Fault::new("too_long", message)]);
        }
        let mut parser =
            Parser { rest: text, query: Self::default(), faults: Vec::new(), terms: 0 };
        if text.contains('\0') {
            parser.fault("bad_character", "no NUL character");
        }
        while parser.part() {}
        let Parser { query, mut faults, terms, .. } = parser;
        if terms > Self::MAX_TERMS {
            let message = format!("at most {} words, phrases and filters", Self::MAX_TERMS);
            faults.push(Fault::new("too_many_terms", message));
        }
        if faults.is_empty() && !query.finds_something() {
            let message = "a word, or from:, in: or has:, that messages have";
            faults.push(Fault::new("nothing_to_find", message));
        }
        if faults.is_empty() { Ok(query) } else { Err(faults) }
    }

    /// Whether an index can propose anything.
    fn finds_something(&self) -> bool {
        self.terms.iter().any(|term| !term.excluded)
            || !self.from.is_empty()
            || !self.within.is_empty()
            || self.has_file
            || self.has_link
    }
}

struct Parser<'a> {
    rest: &'a str,
    query: SearchQuery,
    faults: Vec<Fault>,
    terms: usize,
}

/// What opens and closes a phrase, as phones type it too.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

impl<'a> Parser<'a> {
    fn fault(&mut self, code: &'static str, message: &'static str) {
        self.faults.push(Fault::new(code, message));
    }

    /// Takes the next term or filter. False at the end.
    fn part(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return false;
        }
        let excluded = match self.rest.strip_prefix('-') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        };
        if let Some((name, rest)) = filter(self.rest) {
            self.rest = rest;
            self.terms += 1;
            let value = self.value().trim();
            if excluded {
                self.fault("cannot_exclude", "only words and phrases may be excluded");
            }
            self.filter(name, value);
            return true;
        }
        let quoted = self.rest.starts_with(is_quote);
        let text = self.value();
        let prefix = !quoted && text.ends_with('*');
        let words: Vec<String> = words(text).into_iter().map(|Word { text, .. }| text).collect();
        // What has no words says nothing: `&`, or a dash between two words.
        if !words.is_empty() {
            self.terms += 1;
            self.query.terms.push(SearchTerm { words, prefix, excluded });
        }
        true
    }

    /// Takes a phrase, without its quotes, or a word.
    fn value(&mut self) -> &'a str {
        let mut chars = self.rest.chars();
        if chars.next().is_some_and(is_quote) {
            let inside = chars.as_str();
            let Some(end) = inside.find(is_quote) else {
                self.fault("unclosed_quote", "a phrase ends with a quote");
                self.rest = "";
                return inside;
            };
            let (phrase, rest) = inside.split_at(end);
            self.rest = rest.trim_start_matches(is_quote);
            return phrase;
        }
        let end = self.rest.find(|c: char| c.is_whitespace() || is_quote(c));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        word
    }

    fn filter(&mut self, name: Filter, value: &str) {
        if value.is_empty() {
            return self.fault("empty_filter", "a filter has a value, such as from:ann");
        }
        let query = &mut self.query;
        match name {
            Filter::From => {
                query.from.push(Username::key_of(value.strip_prefix('@').unwrap_or(value)));
            }
            Filter::In => {
                query.within.push(ChannelName::key_of(value.strip_prefix('#').unwrap_or(value)));
            }
            Filter::Before | Filter::After => {
                let Some(day) = day(value) else {
                    return self.fault("bad_date", "a date such as before:2026-11-21");
                };
                // Of several the narrowest counts.
                if name == Filter::Before {
                    query.before = Some(query.before.map_or(day, |before| before.min(day)));
                } else {
                    query.since = query.since.max(Some(day));
                }
            }
            Filter::Has => match value.to_ascii_lowercase().as_str() {
                "file" => query.has_file = true,
                "link" => query.has_link = true,
                _ => self.fault("unknown_filter", "has:file or has:link"),
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    From,
    In,
    Before,
    After,
    Has,
}

/// The filter with which this begins, and what follows its colon.
fn filter(text: &str) -> Option<(Filter, &str)> {
    let (name, rest) = text.split_once(':')?;
    let filters = [
        ("from", Filter::From),
        ("in", Filter::In),
        ("before", Filter::Before),
        ("after", Filter::After),
        ("has", Filter::Has),
    ];
    let (_, filter) = filters.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known))?;
    Some((filter, rest))
}

/// The beginning of a day (UTC).
fn day(text: &str) -> Option<Timestamp> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
    Some(date.midnight().assume_utc().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        SearchQuery::parse(text).unwrap_err().into_iter().map(|fault| fault.code).collect()
    }

    fn term(words: &[&str], prefix: bool, excluded: bool) -> SearchTerm {
        SearchTerm { words: words.iter().map(|&word| word.to_owned()).collect(), prefix, excluded }
    }

    #[test]
    fn words_phrases_prefixes_and_filters_are_told_apart() {
        let text = "Tea  hel* \"green tea\" -milk from:@Ann in:#General in:\"a b\" \
            before:2026-11-21 after:2026-11-20 has:file HAS:link http://x.org & 日本";
        let query = SearchQuery::parse(text).unwrap();
        assert_eq!(
            query.terms,
            [
                term(&["tea"], false, false),
                term(&["hel"], true, false),
                term(&["green", "tea"], false, false),
                term(&["milk"], false, true),
                term(&["http", "x", "org"], false, false),
                term(&["日", "本"], false, false),
            ]
        );
        assert_eq!(query.from, ["ann"]);
        assert_eq!(query.within, ["general", "a b"]);
        let day = |at: Option<Timestamp>| at.unwrap().to_string();
        assert_eq!(day(query.before), "2026-11-21T00:00:00.000Z");
        assert_eq!(day(query.since), "2026-11-20T00:00:00.000Z");
        assert!(query.has_file && query.has_link);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let bad = "from: before:yesterday has:wings -in:general \"open";
        assert_eq!(
            codes(bad),
            ["empty_filter", "bad_date", "unknown_filter", "cannot_exclude", "unclosed_quote"]
        );
        assert_eq!(codes(&"a ".repeat(17)), ["too_many_terms"]);
        assert_eq!(codes(&"a".repeat(257)), ["too_long"]);
        assert_eq!(codes("a\0"), ["bad_character"]);
        for nothing in ["", "  ", "-tea", "&&& *", "before:2026-11-21", "\"\""] {
            assert_eq!(codes(nothing), ["nothing_to_find"], "{nothing:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_parses_is_bounded(text in any::<String>()) {
            check(&text)?;
        }

        #[test]
        fn what_looks_like_a_query_is_bounded(
            text in "([a-z日]{0,3}|from:|in:|has:|before:|-|\\*|\"|“| |🎉|2026-01-0|\u{301}){0,60}"
        ) {
            check(&text)?;
        }
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        match SearchQuery::parse(text) {
            Ok(query) => {
                prop_assert!(text.chars().count() <= SearchQuery::MAX_CHARS);
                prop_assert!(query.finds_something());
                let parts = query.terms.len() + query.from.len() + query.within.len();
                prop_assert!(parts <= SearchQuery::MAX_TERMS);
                for term in &query.terms {
                    prop_assert!(!term.words.is_empty());
                    prop_assert!(term.words.iter().all(|word| !word.is_empty()));
                }
            }
            Err(faults) => prop_assert!(!faults.is_empty()),
        }
        Ok(())
    }
}
