//! What answers a message.

use tertulia_domain::policy::Action;
use tertulia_domain::{Cursor, MessageId};

use crate::{Caller, Chat, Error, RepliesPage};

impl Chat {
    /// Replies to a message, in its own thread, whose place is above `after`, oldest first.
    pub async fn replies(
        &self,
        caller: &Caller,
        message: MessageId,
        after: i64,
        limit: i64,
    ) -> Result<RepliesPage, Error> {
        let found = self.0.store.replies(message, caller.user, after, limit).await?;
        let (place, thread) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(RepliesPage {
            items: thread.items,
            next: thread.next.map(|seq| Cursor(seq.to_string())),
            following: thread.following,
            epoch: self.epoch().to_owned(),
            head: place.feed.head,
            own_head: place.own_head,
        })
    }

    /// Follows the thread that a message belongs to or begins, or follows it no longer.
    pub async fn follow(
        &self,
        caller: &Caller,
        message: MessageId,
        following: bool,
    ) -> Result<(), Error> {
        let found = self.0.store.thread_root(message, caller.user).await?;
        let (place, root) = found.ok_or(Error::NotFound)?;
        let standing = self.standing(&place);
        standing.require(Action::Read)?;
        if standing.member().is_none() {
            return Err(Error::Forbidden("only members may follow threads here"));
        }
        Ok(self.0.store.follow(root, caller.user, following).await?)
    }
}
