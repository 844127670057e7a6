//! Reacting to what was said.

use std::future::Future;

use tertulia_domain::{
    Change, Emoji, MessageId, Outcome, Page, PageRequest, ReactedBy, Reaction, ReactionView,
};

use crate::{Caller, Chat, Error};

impl Chat {
    /// Reacts to a message, or takes it back (`mine` is what it shall be), in order with what one
    /// sends. What is so already changes nothing. Gives how the reaction stands.
    pub fn react(
        &self,
        caller: &Caller,
        message: MessageId,
        emoji: Emoji,
        mine: bool,
    ) -> Result<impl Future<Output = Result<ReactionView, Error>> + Send + use<>, Error> {
        let reaction = Reaction { message, by: caller.user, emoji, mine };
        let outcome = self.0.log.submit(Change::React(reaction), Some(caller.session))?;
        Ok(async move {
            match outcome.await? {
                Outcome::Reaction { emoji, count, mine } => Ok(ReactionView { emoji, count, mine }),
                _ => Err(Error::internal("a reaction led to something else")),
            }
        })
    }

    /// Who has reacted to a message with an emoji, by user id.
    pub async fn reactors(
        &self,
        caller: &Caller,
        message: MessageId,
        emoji: Emoji,
        page: PageRequest,
    ) -> Result<Page<ReactedBy>, Error> {
        let found = self.0.store.reactors(message, emoji, caller.user, page).await?;
        let (place, page) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(page)
    }
}
