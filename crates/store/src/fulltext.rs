//! What the full-text indexes of both databases hold, and what they are asked. Their words are made
//! here and not by the databases, so that both find the same. An index only proposes: what is found
//! is decided by what a message says now, so that it may propose too much, and never too little.
//!
//! Every word is kept with the chunk of numbers that its entry belongs to in front (`b8jkhello`).
//! What is asked is asked of some chunks at a time, the newest first: neither a common word nor a
//! short beginning of one costs more than the chunks that are looked at.

use tertulia_domain::{
    ChannelId, MessageId, MessageKind, SearchQuery, SearchTerm, UserId, Word, has_link, words,
};
use uuid::Uuid;

use crate::types::Id;

/// A chunk has 2 to the power of this many numbers. The beginning of a word costs what all of a
/// chunk's words that begin so hold (10 ms of SQLite if that is every word), a common word on
/// PostgreSQL what a chunk's entries with it do (1 ms); a rare word is looked up in each chunk (some
/// 10 µs).
pub(crate) const CHUNK_BITS: u32 = 13;

/// How many characters of a word the index knows.
const WORD: usize = 64;

/// PostgreSQL keeps as many places of one word, and places up to that one.
const MAX_PLACES: usize = 255;
const MAX_PLACE: usize = 16_383;

/// That the index may not know all places of the words.
pub(crate) const MANY: &str = "_many";
const FILE: &str = "_file";
const LINK: &str = "_link";
/// That it was said in a public channel.
const PUBLIC: &str = "_public";

/// What an index proposes: a number, a message, and its channel.
pub(crate) type Proposed = (i64, MessageId, ChannelId);

/// The same as a row.
pub(crate) type ProposedRow = (i64, Id<MessageId>, Id<ChannelId>);

/// A message as it is to be found.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) no: i64,
    pub(crate) message: MessageId,
    pub(crate) channel: ChannelId,
    pub(crate) version: i32,
    /// See [`document`].
    pub(crate) document: String,
}

/// What the index is to know of a message: first marks, which begin with `_`, then its words in
/// order, with a space between them.
pub(crate) fn document(
    channel: ChannelId,
    is_public: bool,
    author: UserId,
    kind: MessageKind,
    content: &str,
) -> String {
    let mut document = format!("{} {}", of_author(author), of_channel(channel));
    let mut add = |word: &str| {
        document.push(' ');
        document.push_str(word);
    };
    if is_public {
        add(PUBLIC);
    }
    if kind == MessageKind::File {
        add(FILE);
    }
    if has_link(content) {
        add(LINK);
    }
    let words = words(content);
    if has_many(&words) {
        add(MANY);
    }
    for word in &words {
        add(cut(&word.text));
    }
    document
}

fn has_many(words: &[Word]) -> bool {
    if words.len() <= MAX_PLACES {
        return false;
    }
    let mut sorted: Vec<&str> = words.iter().map(|word| cut(&word.text)).collect();
    sorted.sort_unstable();
    words.len() > MAX_PLACE || sorted.chunk_by(|a, b| a == b).any(|same| same.len() > MAX_PLACES)
}

fn cut(word: &str) -> &str {
    word.char_indices().nth(WORD).map_or(word, |(end, _)| &word[..end])
}

fn of_author(author: UserId) -> String {
    mark('a', author.uuid())
}

fn of_channel(channel: ChannelId) -> String {
    mark('c', channel.uuid())
}

/// Half of an id is enough to propose by.
fn mark(kind: char, id: Uuid) -> String {
    format!("_{kind}{}", base_36(id.as_u64_pair().1, 0))
}

/// What stands before the words of a chunk.
pub(crate) fn tag(chunk: i64) -> String {
    base_36(u64::try_from(chunk).unwrap_or_default(), 4)
}

fn base_36(mut number: u64, width: usize) -> String {
    let mut digits = Vec::new();
    while number > 0 || digits.len() < width {
        digits.push(
            b"0123456789abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 36).unwrap_or(0)],
        );
        number /= 36;
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

/// What an index is asked for: all of `all`, and none of `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Matching {
    pub(crate) all: Vec<Clause>,
    pub(crate) none: Vec<Phrase>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    Phrase(Phrase),
    /// At least one of these marks.
    Any(Vec<String>),
}

/// Where an index is to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Everywhere.
    All,
    /// In these channels.
    These(Vec<ChannelId>),
    /// In these, and in all that are public.
    TheseAndPublic(Vec<ChannelId>),
}

impl Within {
    fn marks(&self) -> Vec<String> {
        let (channels, public) = match self {
            Self::All => (&[][..], None),
            Self::These(channels) => (&channels[..], None),
            Self::TheseAndPublic(channels) => (&channels[..], Some(PUBLIC.to_owned())),
        };
        channels.iter().copied().map(of_channel).chain(public).collect()
    }
}

/// Words that stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phrase {
    pub(crate) words: Vec<String>,
    /// Whether the last one is only a beginning.
    pub(crate) prefix: bool,
}

impl Matching {
    /// By one of these authors, where there are any, and within these channels.
    pub(crate) fn new(query: &SearchQuery, authors: &[UserId], within: &Within) -> Self {
        let mut all = Vec::new();
        let mut none = Vec::new();
        for term in &query.terms {
            match (Phrase::new(term), term.excluded) {
                (phrase, false) => all.push(Clause::Phrase(phrase)),
                // Of what is cut nothing can be excluded by the index.
                (_, true) if term.words.iter().any(|word| cut(word) != word) => {}
                (phrase, true) => none.push(phrase),
            }
        }
        let mut marked = |marks: Vec<String>| {
            if !marks.is_empty() {
                all.push(Clause::Any(marks));
            }
        };
        marked(authors.iter().copied().map(of_author).collect());
        marked(within.marks());
        marked(query.has_file.then(|| FILE.to_owned()).into_iter().collect());
        marked(query.has_link.then(|| LINK.to_owned()).into_iter().collect());
        Self { all, none }
    }

    /// How many words are asked for in each chunk.
    pub(crate) fn weight(&self) -> usize {
        let clause = |clause: &Clause| match clause {
            Clause::Phrase(phrase) => phrase.words.len(),
            Clause::Any(marks) => marks.len(),
        };
        let none = self.none.iter().map(|phrase| phrase.words.len());
        self.all.iter().map(clause).chain(none).sum()
    }
}

impl Phrase {
    fn new(term: &SearchTerm) -> Self {
        let words: Vec<String> = term.words.iter().map(|word| cut(word).to_owned()).collect();
        let whole = term.words.last().is_some_and(|last| last.chars().count() < WORD);
        Self { words, prefix: term.prefix && whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_marks_and_then_words() {
        let id = Uuid::from_u128(35);
        let (channel, author) = (ChannelId::from(id), UserId::from(id));
        let long = format!("Tea http://x {}", "é".repeat(70));
        let document = document(channel, true, author, MessageKind::File, &long);
        let words = "e".repeat(64);
        assert_eq!(document, format!("_az _cz _public _file _link tea http x {words}"));
    }

    #[test]
    fn what_has_more_places_than_the_index_keeps_is_marked() {
        let id = Uuid::from_u128(35);
        let document = |content: &str| {
            document(ChannelId::from(id), false, UserId::from(id), MessageKind::Text, content)
        };
        assert!(!document(&"a b ".repeat(255)).contains(MANY));
        assert!(document(&"a b ".repeat(256)).contains(MANY));
    }

    #[test]
    fn an_index_is_asked_for_what_is_public_and_for_ones_own_channels_only() {
        let channel = ChannelId::from(Uuid::from_u128(35));
        let within = Within::TheseAndPublic(vec![channel]);
        assert_eq!(within.marks(), ["_cz", "_public"]);
        assert_eq!(Within::TheseAndPublic(Vec::new()).marks(), ["_public"]);
        assert_eq!(Within::These(vec![channel]).marks(), ["_cz"]);
        assert_eq!(Within::All.marks(), [""; 0]);
    }

    #[test]
    fn a_tag_has_one_width() {
        assert_eq!(tag(0), "0000");
        assert_eq!(tag(524_288), "b8jk");
    }
}
