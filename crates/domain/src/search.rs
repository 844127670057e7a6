//! Looking for messages: the words of a text, a query, and whether a text is what it asks for. An
//! index only proposes; what is found is decided here, by what a message says now.

use serde::Serialize;
use utoipa::ToSchema;

use crate::MessageView;

mod matching;
mod query;
mod words;

pub use query::{SearchQuery, SearchTerm};
pub use words::{Word, words};

/// A message that was looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SearchHit {
    /// The message.
    #[serde(flatten)]
    pub message: MessageView,
    /// Which parts of its content are what was asked for, in order, the first 20.
    #[schema(max_items = 20)]
    pub matches: Vec<Span>,
}

impl SearchHit {
    /// How many parts of a message are named.
    pub const MAX_MATCHES: usize = 20;
}

/// Part of a text, in characters (Unicode code points) from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Span {
    /// The first character.
    #[schema(example = 0)]
    pub start: usize,
    /// The first character after it.
    #[schema(example = 5)]
    pub end: usize,
}

/// Whether a text has the address of a page in it.
pub fn has_link(text: &str) -> bool {
    let after = |scheme: &str| {
        text.as_bytes()
            .windows(scheme.len())
            .any(|part| part.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    after("https://") || after("http://")
}
