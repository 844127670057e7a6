//! What is pinned, and what was said before it was edited.

use tertulia_domain::{
    Change, ChannelId, Message, MessageEdition, MessageId, Outcome, Page, PageRequest, Pin,
};

use crate::{Caller, Chat, Error, HistoryPage};

impl Chat {
    /// Pins a message of a channel, or lets go of it. What is so already changes nothing.
    pub async fn pin(
        &self,
        caller: &Caller,
        channel: ChannelId,
        message: MessageId,
        pinned: bool,
    ) -> Result<Message, Error> {
        let pin = Pin { channel, message, by: caller.user, pinned };
        match self.0.log.commit(Change::Pin(pin), caller).await? {
            Outcome::Message { message, .. } => Ok(message),
            _ => Err(Error::internal("a pin led to something else")),
        }
    }

    /// What is pinned in a channel, the last first: all of it.
    pub async fn pins(&self, caller: &Caller, channel: ChannelId) -> Result<HistoryPage, Error> {
        let found = self.0.store.pins(channel, caller.user).await?;
        let (place, items) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(HistoryPage {
            items,
            next: None,
            epoch: self.epoch().to_owned(),
            head: place.feed.head,
            own_head: place.own_head,
        })
    }

    /// What a message said before it was edited, the last first.
    pub async fn editions(
        &self,
        caller: &Caller,
        message: MessageId,
        page: PageRequest,
    ) -> Result<Page<MessageEdition>, Error> {
        let found = self.0.store.editions(message, caller.user, page).await?;
        let (place, editions) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(editions)
    }
}
