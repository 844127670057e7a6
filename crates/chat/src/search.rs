//! Looking for messages.

use std::sync::Arc;

use tertulia_auth::places;
use tertulia_domain::{Cursor, Page, SearchHit, SearchQuery};
use tertulia_store::Search;

use crate::{Caller, Chat, Error};

/// Searches at a time: what one costs is not everybody's wait.
pub(crate) const MAX_SEARCHES: usize = 2;

/// Questions to the database for one page. A page ends before it is full only after so many, each
/// of which goes through a thousand messages that were not to be found, or millions without the words.
const MAX_PIECES: usize = 256;

impl Chat {
    /// Messages that one may read now and that a query asks for, the newest first, from a cursor on. It
    /// is sealed: numbers tell how much everybody says.
    pub async fn search(
        &self,
        caller: &Caller,
        query: SearchQuery,
        cursor: Option<&str>,
        limit: i64,
    ) -> Result<Page<SearchHit>, Error> {
        let keys = &self.0.keys;
        let below = match cursor {
            Some(cursor) => places::open(cursor, caller.user, keys).map_err(|_| {
                Error::field("cursor", "bad_cursor", "the `next` of a page of this list")
            })?,
            None => i64::MAX,
        };
        let _turn = self.0.searching.acquire().await.map_err(|_| Error::Unavailable)?;
        let query = Arc::new(query);
        let limit = usize::try_from(limit).unwrap_or_default();
        let mut hits = Vec::new();
        let mut below = Some(below);
        for _ in 0..MAX_PIECES {
            let Some(from) = below.filter(|_| hits.len() <= limit) else { break };
            let search = Search {
                query: Arc::clone(&query),
                user: caller.user,
                now: self.now(),
                below: from,
                want: limit + 1 - hits.len(),
            };
            let found = self.0.store.search(search).await?;
            hits.extend(found.hits);
            below = found.below;
        }
        if hits.len() > limit {
            hits.truncate(limit);
            below = hits.last().map(|(no, _)| *no);
        }
        let next = below.map(|below| places::seal(below, caller.user, keys).map(Cursor));
        let next = next.transpose().map_err(Error::internal)?;
        Ok(Page { items: hits.into_iter().map(|(_, hit)| hit).collect(), next })
    }
}
