//! One client's session on a socket: `ready`, then frames and their replies.

use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::Payload;
use futures_util::Stream;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;
use serde_json::Value;
use tertulia_chat::{Caller, ChannelHead, Chat, Delta, Error, FeedCursor, Ready};
use tertulia_domain::{
    Account, ChannelId, Cursor, Feed, Message, MessagePrecondition, OwnStatus, SessionId, Timestamp,
};
use tertulia_realtime::{CloseReason, Connection};
use tokio::sync::Semaphore;
use tokio::time::{Instant, Sleep};

use super::frames::{Asked, FeedName, Request, reply};
use super::incoming::{Incoming, Reader};
use super::limited::{self, Limited};
use super::looking::{self, Look, Nothing, Typed};
use crate::limits::LimitsView;
use crate::problem::Problem;
use crate::routes::{NewDraft, opaque};

/// Frames that may wait for their replies; then the socket is not read from.
pub(crate) const MAX_UNANSWERED: usize = 64;

/// How long a client may take to hang up once it was told to.
const LINGER: Duration = Duration::from_secs(2);

/// A session on a socket.
pub(super) struct Session {
    chat: Chat,
    caller: Caller,
    connection: Connection,
    /// The server time of the client's last `ready`.
    since: Option<Timestamp>,
    unanswered: FuturesUnordered<LocalBoxFuture<'static, Answer>>,
    /// One page of what was missed at a time: pages are large.
    syncing: Rc<Semaphore>,
    typed: Typed,
    limited: Limited,
}

/// The reply to a frame, and, when it is a page, of what, and what is said to whoever may no longer
/// have it.
struct Answer {
    json: Vec<u8>,
    page: Option<(Feed, Vec<u8>)>,
}

/// What happened to the socket.
enum Happened {
    Came(Incoming),
    Broke(CloseReason),
    /// It was closed from elsewhere.
    Closed,
    Gone,
    TokenEnded,
    SessionEnded,
}

impl Session {
    pub(super) fn new(
        chat: Chat,
        caller: Caller,
        connection: Connection,
        since: Option<Timestamp>,
    ) -> Self {
        let syncing = Rc::new(Semaphore::new(1));
        let (unanswered, typed) = (FuturesUnordered::new(), Typed::default());
        let limited = Limited::new(&chat);
        Self { chat, caller, connection, since, unanswered, syncing, typed, limited }
    }

    /// Serves the socket until it closes.
    pub(super) async fn run(mut self, payload: Payload) {
        let mut reader = Reader::new(payload);
        // Boxed, because beginning takes ten times the memory of all that comes after it.
        match Box::pin(self.begin()).await {
            Ok(ready) => {
                self.connection.open(&ready);
                if let Some(reason) = self.serve(&mut reader).await {
                    self.connection.close(reason);
                    if reason == CloseReason::Normal {
                        // The client has said goodbye, or is gone.
                        self.connection.finish();
                        return;
                    }
                }
            }
            Err(Error::Unauthenticated) => self.connection.close(CloseReason::SessionEnded),
            Err(_) => self.connection.close(CloseReason::Failed),
        }
        // What the client still sends is read and thrown away until it says goodbye: hung up on at
        // once, it would be told of a reset as soon as it sends, and might not see the close frame.
        let goodbye = poll_fn(|cx| reader.poll_goodbye(cx));
        let _ = tokio::time::timeout(LINGER, goodbye).await;
        self.connection.finish();
    }

    /// Subscribes to all that the person may hear, and only then reads where it stands: what
    /// comes in between is held back, and follows `ready`.
    ///
    /// Who is let in or out once their own feed is heard comes in and goes by the hub, unless the
    /// bus loses it. Who came or went before that, but after the first list was read, shows in the
    /// second: then all is read again.
    async fn begin(&mut self) -> Result<Vec<u8>, Error> {
        let _turn = self.chat.beginning().await?;
        let (chat, connection) = (&self.chat, &self.connection);
        loop {
            let heard: HashSet<_> = chat.heard_channels(&self.caller).await?.into_iter().collect();
            connection.subscribe(&heard);
            let ready = chat.ready(&self.caller, self.since).await?;
            let allowed = ready.heads.iter().map(|(channel, _)| *channel).collect();
            for gone in heard.difference(&allowed) {
                connection.unsubscribe(*gone);
            }
            let heads = ready.heads.iter().map(|(channel, head)| (Feed::Channel(*channel), *head));
            let heads = heads.chain([(Feed::Me(self.caller.user), ready.head)]);
            if heard == allowed && connection.learn(heads) {
                let status = chat.greet(&self.caller).await?;
                let limits = LimitsView::of(chat);
                let frame = ReadyFrame::new(ready, status, self.caller.session, limits);
                return Ok(serde_json::to_vec(&frame).unwrap_or_default());
            }
        }
    }

    /// Serves the socket until it closes, and says why it is to be, unless it is being closed already.
    async fn serve(&mut self, reader: &mut Reader) -> Option<CloseReason> {
        let mut token = Box::pin(tokio::time::sleep_until(self.token_end()));
        loop {
            let reason = match poll_fn(|cx| self.poll(cx, reader, token.as_mut())).await {
                Happened::Came(_) if self.has_ended() => CloseReason::SessionEnded,
                Happened::Came(Incoming::Text(text)) => {
                    self.connection.heard();
                    if self.answer(&text) {
                        token.as_mut().reset(self.token_end());
                    }
                    continue;
                }
                Happened::Came(Incoming::Ping(payload)) => {
                    self.connection.heard();
                    self.connection.pong(&payload);
                    continue;
                }
                Happened::Came(Incoming::Pong) => {
                    self.connection.heard();
                    continue;
                }
                Happened::Came(Incoming::Close) | Happened::Gone => CloseReason::Normal,
                Happened::Broke(reason) => reason,
                Happened::TokenEnded => CloseReason::TokenEnded,
                Happened::SessionEnded => CloseReason::SessionEnded,
                Happened::Closed => return None,
            };
            return Some(reason);
        }
    }

    /// Sends what is answered, and reads on while there is room for more.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut Reader,
        token: Pin<&mut Sleep>,
    ) -> Poll<Happened> {
        if self.connection.poll_closing(cx).is_ready() {
            return Poll::Ready(Happened::Closed);
        }
        // Replies wait for room as well: 64 pages of what was missed are 32 MiB.
        while self.connection.has_room()
            && let Poll::Ready(Some(answer)) = Pin::new(&mut self.unanswered).poll_next(cx)
        {
            if self.has_ended() {
                return Poll::Ready(Happened::SessionEnded);
            }
            match answer.page {
                Some((of, instead)) => self.connection.send_page(of, &answer.json, &instead),
                None => self.connection.send(&answer.json),
            }
        }
        if token.poll(cx).is_ready() {
            return Poll::Ready(Happened::TokenEnded);
        }
        if self.unanswered.len() >= MAX_UNANSWERED || !self.connection.has_room() {
            return Poll::Pending;
        }
        reader.poll_next(cx).map(|message| match message {
            Some(Ok(message)) => Happened::Came(message),
            Some(Err(reason)) => Happened::Broke(reason),
            None => Happened::Gone,
        })
    }

    /// Whether the session has ended. The hub closes its sockets too, but what a client has sent
    /// since may be read before.
    fn has_ended(&self) -> bool {
        self.chat.still(self.caller).is_err()
    }

    fn token_end(&self) -> Instant {
        let left = self.caller.expires_at.since(self.chat.now());
        Instant::now() + Duration::try_from(left).unwrap_or_default()
    }

    /// Answers a frame, or begins to. True when the token was renewed.
    fn answer(&mut self, text: &str) -> bool {
        let Asked { reference, request } = Asked::parse(text);
        let request = self.within_limits(request);
        if !matches!(request, Ok(Request::Ping | Request::AuthRefresh { .. })) {
            self.connection.acted(self.chat.now());
        }
        match request {
            Ok(Request::Send { channel, draft }) => {
                let sent = self.chat.send(&self.caller, channel, draft);
                self.change(reference, sent);
            }
            Ok(Request::Edit { message, body }) => {
                let any = MessagePrecondition::Any;
                let edited = self.chat.edit(&self.caller, message, body, any);
                self.change(reference, edited);
            }
            Ok(Request::Delete { message }) => {
                let any = MessagePrecondition::Any;
                let deleted = self.chat.delete(&self.caller, message, any);
                self.change(reference, deleted);
            }
            Ok(Request::React { message, emoji, mine }) => {
                match self.chat.react(&self.caller, message, emoji, mine) {
                    Ok(reaction) => self.later(reference, reaction),
                    Err(error) => self.refuse(&reference, error),
                }
            }
            Ok(Request::Sync { feed, cursor, limit }) => {
                let (chat, caller) = (self.chat.clone(), self.caller);
                let connection = self.connection.clone();
                let one_at_a_time = Rc::clone(&self.syncing);
                let of = match feed {
                    FeedName::Me => Feed::Me(caller.user),
                    FeedName::Channel(channel) => Feed::Channel(channel),
                };
                self.unanswered.push(Box::pin(async move {
                    let _permit = one_at_a_time.acquire().await;
                    let page = sync(&chat, &caller, &connection, feed, &cursor, limit).await;
                    let json = reply(&reference, &page.map_err(Problem::from));
                    let instead = reply::<()>(&reference, &Err(Error::NotFound.into()));
                    Answer { json, page: Some((of, instead)) }
                }));
            }
            Ok(Request::Look(look)) => self.look(reference, look),
            Ok(Request::AuthRefresh { token }) => {
                let renewed = self.renew(&token);
                let data = renewed.as_ref().map(|()| self.caller.expires_at);
                let data = data.map(|expires_at| Renewed { expires_at }).map_err(Clone::clone);
                self.connection.send(&reply(&reference, &data));
                return renewed.is_ok();
            }
            Ok(Request::Ping) => {
                let now = Pong { server_time: self.chat.now() };
                self.connection.send(&reply(&reference, &Ok(now)));
            }
            Err(problem) => self.connection.send(&reply::<()>(&reference, &Err(problem))),
        }
        false
    }

    /// What is asked, unless it is too much.
    fn within_limits(&self, asked: Result<Request, Problem>) -> Result<Request, Problem> {
        self.limited.frame().map_err(Error::from)?;
        let request = asked?;
        limited::request(&self.chat, &self.caller, &request).map_err(Error::from)?;
        Ok(request)
    }

    fn look(&mut self, reference: Value, look: Look) {
        let (chat, caller) = (self.chat.clone(), self.caller);
        let connection = self.connection.clone();
        match look {
            Look::Read { channel, seq } => {
                self.later(reference, chat.read(&caller, channel, seq));
            }
            Look::Delivered { channel, seq } => {
                self.later(reference, chat.delivered(&caller, channel, seq));
            }
            Look::Focus { channels } => {
                self.later(
                    reference,
                    async move { looking::focus(&chat, &connection, channels).await },
                );
            }
            Look::Typing { channel, active } if self.typed.tells(channel, active) => {
                self.later(reference, async move {
                    chat.typing(&caller, channel, active).await.map(|()| Nothing {})
                });
            }
            Look::Typing { .. } => self.connection.send(&reply(&reference, &Ok(Nothing {}))),
            Look::Subscribe { channel } => self.later(reference, async move {
                looking::subscribe(&chat, &caller, &connection, channel).await
            }),
            Look::Unsubscribe { channel } => {
                self.connection.leave(channel);
                self.connection.send(&reply(&reference, &Ok(Nothing {})));
            }
            Look::SetDraft { channel, draft } => {
                let NewDraft { content, reply_to, attachments } = draft;
                match self.chat.set_draft(&caller, channel, reply_to, content, attachments) {
                    Ok(written) => self.later(reference, written),
                    Err(error) => self.refuse(&reference, error),
                }
            }
            Look::SetStatus(status) => {
                self.later(reference, async move { chat.set_status(&caller, status).await });
            }
        }
    }

    /// Replies with a message once its change is on disk.
    fn change(
        &mut self,
        reference: Value,
        submitted: Result<impl Future<Output = Result<(Message, bool), Error>> + 'static, Error>,
    ) {
        match submitted {
            Ok(outcome) => {
                self.later(reference, async { outcome.await.map(|(message, _)| message) });
            }
            Err(error) => self.refuse(&reference, error),
        }
    }

    fn later<T: Serialize>(
        &mut self,
        reference: Value,
        result: impl Future<Output = Result<T, Error>> + 'static,
    ) {
        self.unanswered.push(Box::pin(async move {
            let json = reply(&reference, &result.await.map_err(Problem::from));
            Answer { json, page: None }
        }));
    }

    fn refuse(&self, reference: &Value, error: Error) {
        if let Error::Overloaded(wait) = error {
            let frame = Overloaded { kind: "overloaded", retry_after_ms: wait.as_millis() };
            self.connection.send(&serde_json::to_vec(&frame).unwrap_or_default());
        }
        self.connection.send(&reply::<()>(reference, &Err(error.into())));
    }

    /// A new access token of the same session: the socket lives on.
    fn renew(&mut self, token: &str) -> Result<(), Problem> {
        let caller = self.chat.authenticate(token)?;
        if (caller.user, caller.session) != (self.caller.user, self.caller.session) {
            return Err(Error::Forbidden("this token is of another session").into());
        }
        self.caller = Caller { address: self.caller.address, ..caller };
        Ok(())
    }
}

/// A page of what a client missed. The socket is put back on the feed first and the snapshot taken
/// then, so that nothing lies between them; if there is more to fetch, it is taken off again. Whoever
/// is sent out before the page can be sent is asked about anew: it was read while they were in.
async fn sync(
    chat: &Chat,
    caller: &Caller,
    connection: &Connection,
    feed: FeedName,
    cursor: &FeedCursor,
    limit: i64,
) -> Result<Delta, Error> {
    let id = match feed {
        FeedName::Me => Feed::Me(caller.user),
        FeedName::Channel(channel) => Feed::Channel(channel),
    };
    loop {
        let heard = connection.hears(id);
        connection.resume(id.id());
        let delta = match feed {
            FeedName::Me => chat.own_changes(caller, cursor, limit).await?,
            FeedName::Channel(channel) => {
                chat.channel_changes(caller, channel, cursor, limit).await?
            }
        };
        if connection.hears(id) {
            if delta.more {
                connection.suspend(id.id());
            }
            return Ok(delta);
        }
        if !heard {
            return Ok(delta);
        }
    }
}

/// The first frame.
#[derive(Serialize)]
struct ReadyFrame {
    #[serde(rename = "type")]
    kind: &'static str,
    user: Account,
    session_id: SessionId,
    epoch: String,
    server_time: Timestamp,
    since: Option<Timestamp>,
    limits: LimitsView,
    me: MeHead,
    channels: Vec<ChannelHead>,
    next: Option<Cursor>,
    gone: Vec<ChannelId>,
}

#[derive(Serialize)]
struct MeHead {
    head: i64,
    #[serde(flatten)]
    own: OwnStatus,
    notifications: Notices,
}

/// What one was told of.
#[derive(Serialize)]
struct Notices {
    unread: i64,
    read_up_to: i64,
}

#[derive(Serialize)]
struct Renewed {
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct Pong {
    server_time: Timestamp,
}

#[derive(Serialize)]
struct Overloaded {
    #[serde(rename = "type")]
    kind: &'static str,
    retry_after_ms: u128,
}

impl ReadyFrame {
    fn new(ready: Ready, own: OwnStatus, session_id: SessionId, limits: LimitsView) -> Self {
        Self {
            kind: "ready",
            user: ready.account,
            session_id,
            epoch: ready.epoch,
            server_time: ready.server_time,
            since: ready.since,
            limits,
            me: MeHead {
                head: ready.head,
                own,
                notifications: Notices {
                    unread: ready.notifications,
                    read_up_to: ready.inbox.read_up_to,
                },
            },
            channels: ready.channels,
            next: ready.next.map(opaque),
            gone: ready.gone,
        }
    }
}
