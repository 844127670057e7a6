//! What searching and its index take and give.

use std::sync::Arc;

use tertulia_domain::{ChannelId, MessageId, SearchHit, SearchQuery, Timestamp, UserId};

/// A piece of a search.
#[derive(Clone, Debug)]
pub struct Search {
    /// What is looked for.
    pub query: Arc<SearchQuery>,
    /// By whom: nothing else than what they may read is found.
    pub user: UserId,
    /// When.
    pub now: Timestamp,
    /// Below which number, exclusive.
    pub below: i64,
    /// How many hits are wanted; there may be some more.
    pub want: usize,
}

/// What a piece of a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Each with its number, the newest first.
    pub hits: Vec<(i64, SearchHit)>,
    /// The number below which to go on; `None` when there is nothing more.
    pub below: Option<i64>,
}

/// What has happened to messages of a channel since it was indexed.
#[derive(Clone, Debug)]
pub struct Share {
    /// In which channel.
    pub channel: ChannelId,
    /// Up to which rev it was indexed.
    pub from: i64,
    /// Up to which rev this is all.
    pub to: i64,
    /// Whether there is more.
    pub more: bool,
    /// The messages.
    pub findable: Vec<Findable>,
}

/// Messages that are older than the index, and than those of them that it has.
#[derive(Clone, Debug)]
pub struct Older {
    /// From which on, exclusive, by their ids.
    pub than: MessageId,
    /// Down to which this is all; `None` when there are no more.
    pub reached: Option<MessageId>,
    /// The messages.
    pub findable: Vec<Findable>,
}

/// A message as it is to be found.
#[derive(Clone, Debug)]
pub struct Findable {
    /// Which.
    pub message: MessageId,
    /// Where it was said.
    pub channel: ChannelId,
    /// Of its content.
    pub version: i32,
    /// When it was sent.
    pub created_at: Timestamp,
    /// What the index is to know of it; `None` when it is not to be found.
    pub document: Option<String>,
}
