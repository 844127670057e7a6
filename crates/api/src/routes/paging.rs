//! Parts of lists. Clients see a cursor as one opaque word; inside, it is the last key they had.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tertulia_domain::{Cursor, Fault, Page, PageRequest};
use utoipa::IntoParams;
use uuid::Uuid;

use crate::fields::{Fields, Input, text};

/// How many items a page has unless the request says so.
const DEFAULT_LIMIT: i64 = 50;

/// How many items a page may have.
pub(crate) const MAX_LIMIT: i64 = 100;

/// The longest cursor that this server makes: of a channel's name of 80 characters, folded.
const MAX_CURSOR: usize = 1024;

/// The longest text to search for: what can be found is shorter.
const MAX_QUERY: usize = 80;

/// The largest `rev` or `seq` that a request may name: 2⁵³ − 1, what every JSON library keeps
/// exact.
pub(crate) const MAX_COUNT: i64 = 9_007_199_254_740_991;

/// Part of a list whose keys are ids.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The `next` of the page before; without it, the list from its beginning.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

/// Part of a list that can be searched.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// What the name begins with, in any case; without it, everything.
    #[param(required = false, max_length = 80, example = "")]
    pub(super) query: String,
    /// The `next` of the page before; without it, the list from its beginning.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

/// Part of a list whose keys are ids, and that can be searched.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Find {
    /// What the name begins with, in any case; without it, everything.
    #[param(required = false, max_length = 80, example = "")]
    pub(super) query: String,
    /// The `next` of the page before; without it, the list from its beginning.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Find {
    pub(super) fn request(&self) -> PageRequest {
        PageRequest { after: self.cursor.clone(), limit: self.limit }
    }
}

impl Input for Find {
    fn read(fields: &mut Fields) -> Option<Self> {
        let query = fields.optional("query", text(MAX_QUERY));
        let part = Part::read(fields);
        let (query, Part { cursor, limit }) = (query?.unwrap_or_default(), part?);
        Some(Self { query, cursor, limit })
    }
}

impl Part {
    pub(super) fn request(self) -> PageRequest {
        PageRequest { after: self.cursor, limit: self.limit }
    }
}

impl Search {
    pub(super) fn request(&self) -> PageRequest {
        PageRequest { after: self.cursor.clone(), limit: self.limit }
    }
}

impl Input for Part {
    fn read(fields: &mut Fields) -> Option<Self> {
        let cursor = cursor(fields, |key| Uuid::parse_str(&key).is_ok().then_some(key));
        let limit = limit(fields);
        Some(Self { cursor: cursor?, limit: limit? })
    }
}

impl Input for Search {
    fn read(fields: &mut Fields) -> Option<Self> {
        let query = fields.optional("query", text(MAX_QUERY));
        let cursor = cursor(fields, Some);
        let limit = limit(fields);
        Some(Self { query: query?.unwrap_or_default(), cursor: cursor?, limit: limit? })
    }
}

/// Reads `limit`.
pub(super) fn limit(fields: &mut Fields) -> Option<i64> {
    fields.number("limit", DEFAULT_LIMIT, 1..=MAX_LIMIT)
}

/// Reads `cursor`. `key` says what its key means, or that this list has no such keys.
#[expect(clippy::option_option, reason = "as in `Fields`: bad, not given, given")]
pub(super) fn cursor<T>(
    fields: &mut Fields,
    key: impl FnOnce(String) -> Option<T>,
) -> Option<Option<T>> {
    fields.optional("cursor", |text| {
        let own = (1..=MAX_CURSOR).contains(&text.len());
        let known = if own { decode(&text).and_then(key) } else { None };
        known.ok_or(Fault::new("bad_cursor", "the `next` of a page of this list"))
    })
}

fn decode(text: &str) -> Option<String> {
    let key = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    String::from_utf8(key).ok().filter(|key| !key.contains('\0'))
}

/// A cursor as clients see it.
pub(crate) fn opaque(Cursor(key): Cursor) -> Cursor {
    Cursor(BASE64_URL_SAFE_NO_PAD.encode(key))
}

/// A page as clients see it.
pub(super) fn page<T>(page: Page<T>) -> Page<T> {
    Page { next: page.next.map(opaque), ..page }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Input>(cursor: &str) -> Result<T, tertulia_domain::Faults> {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("cursor", cursor)
            .finish();
        Fields::of_query(&query).read()
    }

    #[test]
    fn a_cursor_comes_back_as_the_key_it_was() {
        for key in ["ann", "0193\nallgemein ☕"] {
            let Cursor(text) = opaque(Cursor(key.to_owned()));
            let search: Search = read(&text).unwrap();
            assert_eq!(search.request().after.as_deref(), Some(key));
        }
    }

    #[test]
    fn what_no_page_of_the_list_gave_is_a_fault() {
        let nul = BASE64_URL_SAFE_NO_PAD.encode("a\0");
        for bad in ["", "*", "YQ==", "_w", nul.as_str(), &"A".repeat(2000)] {
            let faults = read::<Search>(bad).err().unwrap().into_vec();
            assert_eq!((&*faults[0].field, faults[0].code), ("cursor", "bad_cursor"), "{bad}");
        }
        let Cursor(name) = opaque(Cursor("ann".to_owned()));
        assert!(read::<Part>(&name).is_err());
    }
}
