//! Saying something, and reading what was said.

use std::future::Future;

use tertulia_domain::{
    Change, ChannelId, Cursor, FileId, Message, MessageBody, MessageId, MessageKind,
    MessagePrecondition, MessageView, NewMessage, Outcome,
};
use tertulia_store::HistoryPart;

use crate::{Caller, Chat, Error, HistoryPage};

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct MessageDraft {
    /// Chosen by the client, so that it may send again what got no answer.
    pub id: Option<MessageId>,
    /// What it says; may be missing beside files.
    pub body: Option<MessageBody>,
    /// The message of the same channel that it answers.
    pub reply_to: Option<MessageId>,
    /// One's own files that belong to no message yet; at most 10, none twice.
    pub attachments: Vec<FileId>,
    /// Whether it is what stands in one's draft for that place, which then goes.
    pub drafted: bool,
}

impl Chat {
    /// Sends a message. It takes its place in the log at once: what one person sends to one channel
    /// stands there in the order of these calls. The future gives the message once it is on disk,
    /// and whether this request made it or an earlier one with the same id.
    pub fn send(
        &self,
        caller: &Caller,
        channel: ChannelId,
        draft: MessageDraft,
    ) -> Result<impl Future<Output = Result<(Message, bool), Error>> + Send + use<>, Error> {
        let reply_to = draft.reply_to.map(|id| *id.uuid().as_bytes());
        let attachments: Vec<u8> =
            draft.attachments.iter().flat_map(|file| file.uuid().into_bytes()).collect();
        let (author, place) = (caller.user.uuid(), channel.uuid());
        let parts = [
            &author.as_bytes()[..],
            place.as_bytes(),
            reply_to.as_ref().map_or(&[], |id| &id[..]),
            draft.body.as_ref().map_or("", MessageBody::as_str).as_bytes(),
            &attachments,
        ];
        // Of a message without files it is what it was before there were files.
        let parts = if attachments.is_empty() { &parts[..4] } else { &parts[..] };
        let digest = self.0.keys.request_digest(parts);
        let new = NewMessage {
            id: draft.id.unwrap_or_else(|| MessageId::new(self.now())),
            channel,
            author: caller.user,
            body: draft.body,
            reply_to: draft.reply_to,
            attachments: draft.attachments,
            digest,
            drafted: draft.drafted,
        };
        let (sent, superseded) = if new.drafted {
            let (draft, now) = (new.draft(), self.now());
            let submit = || self.submit(caller, Change::Send(new));
            let (sent, superseded) = self.0.drafts.sending(draft, now, submit)?;
            (sent, Some(superseded))
        } else {
            (self.submit(caller, Change::Send(new))?, None)
        };
        Ok(async move {
            let sent = sent.await;
            match (superseded, &sent) {
                (Some(superseded), Ok((_, true))) => superseded.said(),
                (Some(superseded), _) => superseded.unsaid(),
                (None, _) => {}
            }
            sent
        })
    }

    /// Changes what one's own message says, in order with what one sends.
    pub fn edit(
        &self,
        caller: &Caller,
        message: MessageId,
        body: MessageBody,
        expect: MessagePrecondition,
    ) -> Result<impl Future<Output = Result<(Message, bool), Error>> + Send + use<>, Error> {
        self.submit(caller, Change::Edit { message, by: caller.user, body, expect })
    }

    /// Erases what a message says, in order with what one sends; a tombstone stays.
    pub fn delete(
        &self,
        caller: &Caller,
        message: MessageId,
        expect: MessagePrecondition,
    ) -> Result<impl Future<Output = Result<(Message, bool), Error>> + Send + use<>, Error> {
        let delete = Change::Delete { message, by: caller.user, expect, from: caller.address };
        let deleted = self.submit(caller, delete)?;
        let files = self.0.files.clone();
        Ok(async move {
            let (message, created) = deleted.await?;
            if message.kind == MessageKind::File {
                files.collect_soon();
            }
            Ok((message, created))
        })
    }

    fn submit(
        &self,
        caller: &Caller,
        change: Change,
    ) -> Result<impl Future<Output = Result<(Message, bool), Error>> + Send + use<>, Error> {
        let outcome = self.0.log.submit(change, Some(caller.session))?;
        Ok(async move {
            match outcome.await? {
                Outcome::Message { message, created } => Ok((message, created)),
                _ => Err(Error::internal("a message led to something else")),
            }
        })
    }

    /// A message that one may see; of a deleted one, its tombstone.
    pub async fn message(&self, caller: &Caller, message: MessageId) -> Result<MessageView, Error> {
        let found = self.0.store.message(message, caller.user).await?;
        let (place, message) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(message)
    }

    /// A page of what was said in a channel, newest first.
    pub async fn history(
        &self,
        caller: &Caller,
        channel: ChannelId,
        part: HistoryPart,
        limit: i64,
    ) -> Result<HistoryPage, Error> {
        let found = self.0.store.history(channel, caller.user, part, limit).await?;
        let (place, history) = found.ok_or(Error::NotFound)?;
        self.require_read(&place)?;
        Ok(HistoryPage {
            items: history.items,
            next: history.next.map(|seq| Cursor(seq.to_string())),
            epoch: self.epoch().to_owned(),
            head: place.feed.head,
            own_head: place.own_head,
        })
    }
}
