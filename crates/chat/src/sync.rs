//! Beginning, and coming back.

use serde::Serialize;
use tertulia_domain::{ChannelId, Feed, Frame, PageRequest, Timestamp};
use tertulia_store::Changes;
use utoipa::ToSchema;

use crate::retention::MEMBERS_KEPT;
use crate::{Caller, ChannelHead, Chat, Error, Ready};

/// What `ready` lists at most; the rest is a page of one's own channels away.
const MAX_READY: i64 = 500;

/// Channels that have not moved since this long before the client's last `ready` are left out: the
/// clocks of nodes may differ, and too many do no harm.
const READY_SLACK: time::Duration = time::Duration::minutes(10);

/// Clients that begin at the same time; the others wait for their turn. When everybody comes back
/// at once, what they read must not push aside what others are saying.
pub(crate) const MAX_BEGINNING: usize = 32;

/// Where a client stands in a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedCursor {
    /// The epoch that the rev belongs to; may be missing when the rev is 0.
    pub epoch: Option<String>,
    /// The last rev that the client has.
    pub rev: i64,
}

/// What a client missed, or that it must begin anew.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delta {
    /// The same frames as live ones, in the order of their revs.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Frame>,
    /// The feed's head in the same snapshot.
    pub head: i64,
    /// Of which `head` is a rev.
    pub epoch: String,
    /// Whether there is more after the last item. If not, the client is at `head`.
    pub more: bool,
    /// Why the client must drop what it holds and fetch the newest page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
}

/// Why a client must begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reset {
    /// `epoch`: the database is another one; `ahead`: the rev is not from it; `limited`: too far
    /// behind.
    #[schema(value_type = String, example = "limited")]
    pub reason: &'static str,
}

impl Chat {
    /// What happened in a channel after `cursor`, at most `limit` steps: `snapshot` and permission
    /// are of the same moment.
    pub async fn channel_changes(
        &self,
        caller: &Caller,
        channel: ChannelId,
        cursor: &FeedCursor,
        limit: i64,
    ) -> Result<Delta, Error> {
        let found = self.0.store.channel_changes(channel, caller.user, cursor.rev, limit).await?;
        let (place, changes) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(self.delta(cursor, changes))
    }

    /// What happened in one's own feed after `cursor`.
    pub async fn own_changes(
        &self,
        caller: &Caller,
        cursor: &FeedCursor,
        limit: i64,
    ) -> Result<Delta, Error> {
        let feed = Feed::Me(caller.user);
        self.0.marks.flush(caller.user).await;
        let changes = self.0.store.changes(feed, cursor.rev, limit).await?;
        Ok(self.delta(cursor, changes))
    }

    fn delta(&self, cursor: &FeedCursor, changes: Changes) -> Delta {
        let foreign = match &cursor.epoch {
            Some(epoch) => epoch != self.epoch(),
            None => cursor.rev != 0,
        };
        let changes = if foreign { Changes::reset("epoch", changes.head) } else { changes };
        Delta {
            items: changes.items,
            head: changes.head,
            epoch: self.epoch().to_owned(),
            more: changes.more,
            reset: changes.reset.map(|reason| Reset { reason }),
        }
    }

    /// Waits for one's turn to begin: what is asked of [`Chat::heard_channels`] and [`Chat::ready`]
    /// for a new socket is asked with this permit in hand.
    pub async fn beginning(&self) -> Result<impl Drop + '_, Error> {
        self.0.beginning.acquire().await.map_err(|_| Error::Unavailable)
    }

    /// The channels whose feeds a person's sockets hear unasked.
    pub async fn heard_channels(&self, caller: &Caller) -> Result<Vec<ChannelId>, Error> {
        Ok(self.0.store.channel_ids_of(caller.user).await?)
    }

    /// What a client needs to begin, all of one snapshot. With `since`, the server time of an earlier
    /// one, channels that have not moved from then on are left out, unless that was so long ago that
    /// not all that is gone since then is known, or is yet to come.
    pub async fn ready(&self, caller: &Caller, since: Option<Timestamp>) -> Result<Ready, Error> {
        let page = PageRequest { after: None, limit: MAX_READY };
        self.0.marks.flush(caller.user).await;
        let server_time = self.now();
        let known = server_time.plus(-MEMBERS_KEPT)..=server_time.plus(READY_SLACK);
        let since = since.filter(|since| known.contains(since));
        let moved_since = since.map(|since| since.plus(-READY_SLACK));
        let found = self.0.store.beginning(caller.user, page, moved_since).await?;
        let found = found.ok_or(Error::Unauthenticated)?;
        let channels = found.channels.items.into_iter().map(|own| ChannelHead {
            feed: own.channel.id,
            head: own.feed.head,
            last_seq: own.feed.last_seq,
            read_seq: own.member.read_seq,
            unread: own.unread,
            mentions: own.mentions,
        });
        Ok(Ready {
            account: found.account,
            epoch: self.epoch().to_owned(),
            server_time,
            since,
            head: found.head,
            channels: channels.collect(),
            heads: found.heads,
            next: found.channels.next,
            gone: found.gone,
            inbox: found.inbox,
            notifications: found.notifications,
        })
    }
}
