//! What a client may say.

use serde::Serialize;
use serde_json::Value;
use tertulia_chat::{FeedCursor, MessageDraft};
use tertulia_domain::{ChannelId, Emoji, Fault, Faults, MessageBody, MessageId};

use super::looking::{
    Delivered, Focus, Look, Read, SetDraft, SetStatus, Subscribe, Typing, Unsubscribe,
};
use crate::fields::{Fields, Input, Object, content, id, message_id, text};
use crate::problem::Problem;
use crate::routes::MAX_COUNT;

mod unread;

/// What a `ref` may have, in characters.
const MAX_REF: usize = 64;

/// Changes in one `sync` page.
const MAX_SYNC: i64 = 500;

/// A frame from a client: what it asks, and the `ref` by which the reply names it.
pub(super) struct Asked {
    pub(super) reference: Value,
    pub(super) request: Result<Request, Problem>,
}

/// What a client asks.
pub(super) enum Request {
    Send { channel: ChannelId, draft: MessageDraft },
    Edit { message: MessageId, body: MessageBody },
    Delete { message: MessageId },
    React { message: MessageId, emoji: Emoji, mine: bool },
    Sync { feed: FeedName, cursor: FeedCursor, limit: i64 },
    Look(Look),
    AuthRefresh { token: String },
    Ping,
}

/// A feed as clients name it.
#[derive(Clone, Copy)]
pub(super) enum FeedName {
    Me,
    Channel(ChannelId),
}

impl Asked {
    /// Parses a frame. A bad one is answered, and closes nothing.
    pub(super) fn parse(text: &str) -> Self {
        let Object(mut map) = match serde_json::from_str(text) {
            Ok(object) => object,
            Err(error) => {
                let request = Err(crate::extract::json(&error));
                return Self { reference: unread::reference(text), request };
            }
        };
        let reference = match map.remove("ref") {
            None => Value::Null,
            Some(reference) if is_reference(&reference) => reference,
            Some(_) => {
                let why = format!("a text of at most {MAX_REF} characters, or a whole number");
                let faults = Faults::one("ref", Fault::new("wrong_type", why));
                return Self { reference: Value::Null, request: Err(faults.into()) };
            }
        };
        let kind = map.remove("type");
        let fields = Fields::of_object(map);
        let request = match kind {
            Some(Value::String(kind)) => read(&kind, fields),
            None | Some(Value::Null) => {
                Err(Faults::one("type", Fault::new("missing", "what the frame asks")))
            }
            Some(_) => Err(Faults::one("type", Fault::new("wrong_type", "a text"))),
        };
        Self { reference, request: request.map_err(Problem::from) }
    }
}

fn is_reference(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.chars().count() <= MAX_REF,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

/// Names what frames there are, for whoever reads them and for the tests that must know them all.
macro_rules! client_frames {
    ($($kind:literal => $input:ident),+ $(,)?) => {
        /// The `type` of every frame that a client may send.
        pub const CLIENT_FRAMES: &[&str] = &[$($kind),+];

        fn read(kind: &str, fields: Fields) -> Result<Request, Faults> {
            match kind {
                $($kind => fields.read().map(|$input(request)| request.into()),)+
                _ => Err(Faults::one("type", Fault::new("unknown_type", "a known type"))),
            }
        }
    };
}

client_frames! {
    "message.send" => Send,
    "message.edit" => Edit,
    "message.delete" => Delete,
    "reaction.add" => AddReaction,
    "reaction.remove" => RemoveReaction,
    "read" => Read,
    "delivered" => Delivered,
    "focus" => Focus,
    "typing" => Typing,
    "subscribe" => Subscribe,
    "unsubscribe" => Unsubscribe,
    "status.set" => SetStatus,
    "draft.set" => SetDraft,
    "sync" => Sync,
    "auth.refresh" => AuthRefresh,
    "ping" => Ping,
}

struct Send(Request);
struct Edit(Request);
struct Delete(Request);
struct AddReaction(Request);
struct RemoveReaction(Request);
struct Sync(Request);
struct AuthRefresh(Request);
struct Ping(Request);

impl From<Look> for Request {
    fn from(look: Look) -> Self {
        Self::Look(look)
    }
}

impl Input for Send {
    fn read(fields: &mut Fields) -> Option<Self> {
        let channel = fields.required("channel_id", id);
        let own = fields.optional("id", message_id);
        let said = content(fields);
        let reply_to = fields.optional("reply_to", id);
        let drafted = fields.switch("draft");
        let (body, attachments) = said?;
        let drafted = drafted?.unwrap_or_default();
        let draft = MessageDraft { id: own?, body, reply_to: reply_to?, attachments, drafted };
        Some(Self(Request::Send { channel: channel?, draft }))
    }
}

impl Input for Edit {
    fn read(fields: &mut Fields) -> Option<Self> {
        let message = fields.required("message_id", id);
        let body = fields.required("content", MessageBody::parse);
        Some(Self(Request::Edit { message: message?, body: body? }))
    }
}

impl Input for Delete {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self(Request::Delete { message: fields.required("message_id", id)? }))
    }
}

impl Input for AddReaction {
    fn read(fields: &mut Fields) -> Option<Self> {
        reaction(fields, true).map(Self)
    }
}

impl Input for RemoveReaction {
    fn read(fields: &mut Fields) -> Option<Self> {
        reaction(fields, false).map(Self)
    }
}

fn reaction(fields: &mut Fields, mine: bool) -> Option<Request> {
    let message = fields.required("message_id", id);
    let emoji = fields.required("emoji", |text| Emoji::parse(&text));
    Some(Request::React { message: message?, emoji: emoji?, mine })
}

impl Input for Sync {
    fn read(fields: &mut Fields) -> Option<Self> {
        let feed = fields.required("feed", |text| match text.as_str() {
            "me" => Ok(FeedName::Me),
            _ => id(text).map(FeedName::Channel),
        });
        let epoch = fields.optional("epoch", text(64));
        let rev = fields.number("rev", 0, 0..=MAX_COUNT);
        let limit = fields.number("limit", 100, 1..=MAX_SYNC);
        let cursor = FeedCursor { epoch: epoch?, rev: rev? };
        Some(Self(Request::Sync { feed: feed?, cursor, limit: limit? }))
    }
}

impl Input for AuthRefresh {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token", text(4096))?;
        Some(Self(Request::AuthRefresh { token }))
    }
}

impl Input for Ping {
    fn read(_: &mut Fields) -> Option<Self> {
        Some(Self(Request::Ping))
    }
}

/// What a client is answered.
#[derive(Serialize)]
struct Reply<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "ref")]
    reference: &'a Value,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Refusal<'a>>,
}

/// The reply to a frame, as JSON.
pub(super) fn reply<T: Serialize>(reference: &Value, result: &Result<T, Problem>) -> Vec<u8> {
    let (ok, data, error) = match result {
        Ok(data) => (true, Some(data), None),
        Err(problem) => (false, None, Some(Refusal::new(problem))),
    };
    serde_json::to_vec(&Reply { kind: "reply", reference, ok, data, error }).unwrap_or_default()
}

#[derive(Serialize)]
struct Refusal<'a> {
    code: &'static str,
    detail: &'a str,
    errors: &'a [tertulia_domain::FieldFault],
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u128>,
}

impl<'a> Refusal<'a> {
    fn new(problem: &'a Problem) -> Self {
        Self {
            code: problem.code,
            detail: &problem.detail,
            errors: &problem.errors,
            retry_after_ms: problem.retry_after().map(|wait| wait.as_millis()),
        }
    }
}
