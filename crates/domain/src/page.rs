//! Lists that are too long for one answer.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a list goes on: opaque to clients, and good for as long as the list exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` things.
    pub items: Vec<T>,
    /// Pass it back as `cursor` for more; null at the end.
    #[schema(value_type = Option<String>)]
    pub next: Option<Cursor>,
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// After which key, exclusive.
    pub after: Option<String>,
    /// 1–100.
    pub limit: i64,
}

impl<T> Page<T> {
    /// Makes a page of the rows that a query found when asked for one more than `limit`: the extra
    /// row only says that there is more.
    pub fn of(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or_default();
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(|row| Cursor(key(row))) } else { None };
        Self { items: rows, next }
    }

    /// The same page of other things.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}
