//! Conversations of two people, and of several.

use actix_web::web::Data;
use tertulia_chat::{ChannelView, Chat, ConversationDraft};
use tertulia_domain::{ChannelName, Fault, IdempotencyKey, UserId};
use utoipa::ToSchema;

use super::idempotency::{IdempotencyHeader, Repeatable};
use super::{Answer, channels, made};
use crate::docs::problems::{BadBody, Guest, NotFound, Unauthenticated, Unwritable};
use crate::extract::Caller;
use crate::fields::{Fields, Input, id};

/// With how many others a group can be made.
const MAX_OTHERS: usize = 49;

/// A conversation to be made or found: with one person, or with several.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum NewConversation {
    /// The one with this person.
    Direct(NewDirect),
    /// A new one with several people.
    Group(NewGroup),
}

/// The conversation with one person.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDirect {
    /// With whom.
    recipient_id: UserId,
}

/// A conversation with several people.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGroup {
    /// With whom.
    #[schema(min_items = 1, max_items = 49)]
    recipient_ids: Vec<UserId>,
    /// Its name, on one line.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$", example = "Tea")]
    name: Option<ChannelName>,
}

impl Input for NewConversation {
    fn read(fields: &mut Fields) -> Option<Self> {
        let one = fields.optional("recipient_id", id);
        let several = fields.list("recipient_ids", MAX_OTHERS, id);
        let name = fields.optional("name", |text| ChannelName::parse(&text));
        match (one?, several?, name?) {
            (Some(recipient_id), None, None) => Some(Self::Direct(NewDirect { recipient_id })),
            (None, Some(recipient_ids), name) => {
                Some(Self::Group(NewGroup { recipient_ids, name }))
            }
            (Some(_), None, Some(_)) => {
                fields.fault("name", Fault::new("not_allowed", "only a group has a name"))
            }
            (Some(_), Some(_), _) => {
                let why = "either recipient_id or recipient_ids";
                fields.fault("recipient_ids", Fault::new("not_allowed", why))
            }
            (None, None, _) => {
                let why = "this field, or recipient_ids, is needed";
                fields.fault("recipient_id", Fault::new("missing", why))
            }
        }
    }
}

impl NewConversation {
    fn draft(self, key: Option<IdempotencyKey>) -> ConversationDraft {
        match self {
            Self::Direct(new) => ConversationDraft::Direct(new.recipient_id),
            Self::Group(new) => {
                ConversationDraft::Group { others: new.recipient_ids, name: new.name, key }
            }
        }
    }
}

/// Talk with somebody, or with several people.
///
/// Of two people there is one conversation: it is made, or found, and needs no `Idempotency-Key`. A
/// group is always made, unless one was with the same key.
#[utoipa::path(
    post, path = "/api/v1/conversations", operation_id = "create_conversation",
    tag = "conversations",
    params(IdempotencyHeader),
    request_body(content = NewConversation, description = "With whom.",
        example = json!({"recipient_id": "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a"})),
    responses(
        (status = 201, description = "The conversation, which was made.", body = ChannelView,
            headers(("location" = String, description = "Where it is."))),
        (status = 200, description = "The conversation that there was, or the group that was made \
            with this key before, as it is now; 404 when it was deleted, or one is not in it any \
            more.", body = ChannelView),
        Unauthenticated, Guest, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn create_conversation(
    chat: Data<Chat>,
    caller: Caller,
    Repeatable { body: new, key }: Repeatable<NewConversation>,
) -> Answer {
    let (view, new) = chat.converse(&caller, new.draft(key)).await?;
    Ok(made(new, &channels::location(&view), &view))
}
