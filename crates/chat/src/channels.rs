//! Channels and conversations: making them, finding them, changing them.

use tertulia_domain::policy::{Action, Standing};
use tertulia_domain::{
    Change, ChannelEdit, ChannelId, ChannelKind, ChannelName, Description, Fault, Faults,
    IdempotencyKey, NewChannel, Outcome, Page, PageRequest, RequestKey, UserId,
};
use tertulia_store::Place;
use uuid::Uuid;

use crate::{Caller, ChannelView, Chat, Error, OwnChannelView};

/// A group has at most this many members when it is made: a change locks at most 64 feeds.
const MAX_GROUP: usize = 50;

/// A channel to be made.
#[derive(Clone, Debug)]
pub struct ChannelDraft {
    /// Its name.
    pub name: ChannelName,
    /// What it is for.
    pub description: Description,
    /// Whether it is private.
    pub private: bool,
    /// Chosen by the client, so that it may ask again when it got no answer.
    pub key: Option<IdempotencyKey>,
}

/// A conversation to be made or found.
#[derive(Clone, Debug)]
pub enum ConversationDraft {
    /// The one with this person.
    Direct(UserId),
    /// A new one with several people.
    Group {
        /// The others: 1–49.
        others: Vec<UserId>,
        /// Its name, if it has one.
        name: Option<ChannelName>,
        /// Chosen by the client, so that it may ask again when it got no answer.
        key: Option<IdempotencyKey>,
    },
}

impl Chat {
    /// Makes a channel, with the caller as its owner, or finds the one that the same request made
    /// before. True when it was made.
    pub async fn create_channel(
        &self,
        caller: &Caller,
        draft: ChannelDraft,
    ) -> Result<(ChannelView, bool), Error> {
        let kind = if draft.private { ChannelKind::Private } else { ChannelKind::Public };
        let new = NewChannel {
            id: ChannelId::new(self.now()),
            kind,
            name: Some(draft.name),
            description: draft.description,
            creator: caller.user,
            others: Vec::new(),
            request: None,
        };
        self.make(caller, self.repeatable(new, draft.key.as_ref())).await
    }

    /// Makes a conversation, or finds the one there is of two people, or the group that the same
    /// request made before. True when it was made.
    pub async fn converse(
        &self,
        caller: &Caller,
        draft: ConversationDraft,
    ) -> Result<(ChannelView, bool), Error> {
        let (kind, name, others, key) = match draft {
            ConversationDraft::Direct(other) if other == caller.user => {
                return Err(Error::field("recipient_id", "yourself", "somebody else"));
            }
            ConversationDraft::Direct(other) => (ChannelKind::Direct, None, vec![other], None),
            ConversationDraft::Group { others, name, key } => {
                (ChannelKind::Group, name, self.group_of(caller, others)?, key)
            }
        };
        let new = NewChannel {
            id: ChannelId::new(self.now()),
            kind,
            name,
            description: Description::default(),
            creator: caller.user,
            others,
            request: None,
        };
        self.make(caller, self.repeatable(new, key.as_ref())).await
    }

    /// Lets the request come again under its key, which is the caller's own: the same key of
    /// somebody else is another one.
    fn repeatable(&self, new: NewChannel, key: Option<&IdempotencyKey>) -> NewChannel {
        let Some(key) = key else { return new };
        let creator = new.creator.uuid().into_bytes();
        let kind = match new.kind {
            ChannelKind::Public => "public",
            ChannelKind::Private => "private",
            ChannelKind::Direct => "direct",
            ChannelKind::Group => "group",
        };
        let others: Vec<u8> = new.others.iter().flat_map(|it| it.uuid().into_bytes()).collect();
        let keys = &self.0.keys;
        let request = RequestKey {
            key: Uuid::from_bytes(keys.request_digest(&[
                b"idempotency key",
                &creator,
                key.as_str().as_bytes(),
            ])),
            // A name is never empty: none and some differ.
            digest: keys.request_digest(&[
                b"channel",
                &creator,
                kind.as_bytes(),
                new.name.as_ref().map_or("", ChannelName::as_str).as_bytes(),
                new.description.as_str().as_bytes(),
                &others,
            ]),
        };
        NewChannel { request: Some(request), ..new }
    }

    #[expect(clippy::unused_self, reason = "reads as a rule of the use case")]
    fn group_of(&self, caller: &Caller, mut others: Vec<UserId>) -> Result<Vec<UserId>, Error> {
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != caller.user);
        if others.is_empty() || others.len() >= MAX_GROUP {
            let fault = Fault::new("bad_length", format!("1 to {} others", MAX_GROUP - 1));
            return Err(Faults::one("recipient_ids", fault).into());
        }
        Ok(others)
    }

    async fn make(&self, caller: &Caller, new: NewChannel) -> Result<(ChannelView, bool), Error> {
        self.require_person(caller).await?;
        let Outcome::Channel { channel, feed, created } =
            self.0.log.commit(Change::CreateChannel(new), caller).await?
        else {
            return Err(Error::internal("making a channel led to something else"));
        };
        if created {
            return Ok((ChannelView::new(channel, feed, self.epoch()), true));
        }
        Ok((self.channel(caller, channel.id).await?, false))
    }

    /// A channel that one may see.
    pub async fn channel(&self, caller: &Caller, channel: ChannelId) -> Result<ChannelView, Error> {
        let place = self.0.store.place(channel, caller.user).await?.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(ChannelView::new(place.channel, place.feed, self.epoch()))
    }

    /// Public channels whose name begins with `query`, by name.
    pub async fn public_channels(
        &self,
        caller: &Caller,
        query: &str,
        page: PageRequest,
    ) -> Result<Page<ChannelView>, Error> {
        let found =
            self.0.store.public_channels(caller.user, self.now(), ChannelName::key_of(query), page);
        let found = found.await?;
        Ok(found.map(|(channel, feed)| ChannelView::new(channel, feed, self.epoch())))
    }

    /// The channels that one is in, the newest first.
    pub async fn own_channels(
        &self,
        caller: &Caller,
        page: PageRequest,
    ) -> Result<Page<OwnChannelView>, Error> {
        self.0.marks.flush(caller.user).await;
        let own = self.0.store.channels_of(caller.user, page).await?;
        Ok(own.map(|own| OwnChannelView::new(own, self.epoch())))
    }

    /// Changes a channel.
    pub async fn update_channel(
        &self,
        caller: &Caller,
        channel: ChannelId,
        edit: ChannelEdit,
    ) -> Result<ChannelView, Error> {
        let change = Change::UpdateChannel { channel, by: caller.user, edit: Box::new(edit) };
        self.change_channel(caller, change).await
    }

    pub(crate) async fn change_channel(
        &self,
        caller: &Caller,
        change: Change,
    ) -> Result<ChannelView, Error> {
        match self.0.log.commit(change, caller).await? {
            Outcome::Channel { channel, feed, .. } => {
                Ok(ChannelView::new(channel, feed, self.epoch()))
            }
            _ => Err(Error::internal("changing a channel led to something else")),
        }
    }

    /// Deletes a channel: neither it nor what was said in it can be seen any more.
    pub async fn delete_channel(&self, caller: &Caller, channel: ChannelId) -> Result<(), Error> {
        let change = Change::DeleteChannel { channel, by: caller.user };
        self.0.log.commit(change, caller).await.map(drop)
    }

    /// Whether the person whose place this is may read there now.
    pub(crate) fn require_read(&self, place: &Place) -> Result<(), Error> {
        Ok(self.standing(place).require(Action::Read)?)
    }

    /// The channel from where the person stands whose place this is.
    pub(crate) fn standing<'a>(&self, place: &'a Place) -> Standing<'a> {
        Standing::new(&place.channel, place.member.as_ref(), self.now())
    }
}
