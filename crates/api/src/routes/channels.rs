//! Channels.

use actix_web::web::Data;
use tertulia_chat::{ChannelDraft, ChannelView, Chat};
use tertulia_domain::{
    self as domain, ChannelId, ChannelName, Description, Fault, Page, Posting, Topic,
};
use utoipa::ToSchema;

use super::idempotency::{IdempotencyHeader, Repeatable};
use super::paging::{Search, page};
use super::{Answer, InPath, done, made, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, Guest, NotFound, Unauthenticated, Unavailable,
    Unwritable,
};
use crate::extract::{Body, Caller, Query};
use crate::fields::{Fields, Input};

/// A channel to be made.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "general", "description": "All that has no place elsewhere"}))]
pub(crate) struct NewChannel {
    /// Its name, on one line; need not be unique.
    #[schema(value_type = String, min_length = 1, max_length = 80,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$")]
    name: ChannelName,
    /// What it is for.
    #[schema(value_type = Option<String>, required = false, max_length = 1000,
        pattern = r"^[^\x00]*$")]
    description: Description,
    /// Who may find and read it.
    #[schema(value_type = Option<Visibility>, required = false, default = "public")]
    kind: Visibility,
}

/// Who may find and read a channel.
#[derive(Clone, Copy, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Visibility {
    /// Every signed-in account.
    Public,
    /// Its members only.
    Private,
}

impl Input for NewChannel {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.required("name", |text| ChannelName::parse(&text));
        let description = fields.optional("description", |text| Description::parse(&text));
        let kind = fields.optional("kind", |text| match text.as_str() {
            "public" => Ok(Visibility::Public),
            "private" => Ok(Visibility::Private),
            _ => Err(Fault::new("unknown_kind", "public or private")),
        });
        Some(Self {
            name: name?,
            description: description?.unwrap_or_default(),
            kind: kind?.unwrap_or(Visibility::Public),
        })
    }
}

/// What changes of a channel: at least one of these.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"description": "Tea, mostly"}))]
pub(crate) struct ChannelEdit {
    /// Its new name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$")]
    name: Option<ChannelName>,
    /// What it is for now, which may be nothing.
    #[schema(value_type = Option<String>, max_length = 1000,
        pattern = r"^[^\x00]*$")]
    description: Option<Description>,
    /// What is talked about there now, on one line, which may be nothing.
    #[schema(value_type = Option<String>, max_length = 250, pattern = r"^[^\x00-\x1f]*$")]
    topic: Option<Topic>,
    /// Who may write.
    posting: Option<Posting>,
    /// How long a member waits between two messages, in seconds; 0: not at all.
    #[schema(minimum = 0, maximum = 21600)]
    slow_mode_seconds: Option<i32>,
    /// Whether nobody may write there or come in, while reading goes on. Its owner says so.
    archived: Option<bool>,
}

/// The longest that slow mode keeps anybody waiting: six hours.
const MAX_SLOW_MODE: i64 = 21_600;

impl Input for ChannelEdit {
    fn read(fields: &mut Fields) -> Option<Self> {
        let name = fields.optional("name", |text| ChannelName::parse(&text));
        let description = fields.optional("description", |text| Description::parse(&text));
        let topic = fields.optional("topic", |text| Topic::parse(&text));
        let posting = fields.optional("posting", |text| match text.as_str() {
            "everyone" => Ok(Posting::Everyone),
            "moderators" => Ok(Posting::Moderators),
            _ => Err(Fault::new("unknown_kind", "everyone or moderators")),
        });
        let slow = fields.optional_number("slow_mode_seconds", 0..=MAX_SLOW_MODE);
        let archived = fields.switch("archived");
        let edit = Self {
            name: name?,
            description: description?,
            topic: topic?,
            posting: posting?,
            slow_mode_seconds: slow?.and_then(|seconds| i32::try_from(seconds).ok()),
            archived: archived?,
        };
        let Self {
            name: None,
            description: None,
            topic: None,
            posting: None,
            slow_mode_seconds: None,
            archived: None,
        } = edit
        else {
            return Some(edit);
        };
        fields.fault("", Fault::new("nothing_to_change", "at least one field"))
    }
}

impl From<ChannelEdit> for domain::ChannelEdit {
    fn from(edit: ChannelEdit) -> Self {
        let ChannelEdit { name, description, topic, posting, slow_mode_seconds, archived } = edit;
        Self { name, description, topic, posting, slow_mode_seconds, archived }
    }
}

/// Make a channel.
///
/// Whoever makes it is its owner, and its first member. With an `Idempotency-Key`, it can be asked
/// for again when the answer was lost, and is made once.
#[utoipa::path(
    post, path = "/api/v1/channels", operation_id = "create_channel", tag = "channels",
    params(IdempotencyHeader),
    request_body(content = NewChannel, description = "The channel."),
    responses(
        (status = 201, description = "The channel.", body = ChannelView,
            headers(("location" = String, description = "Where it is."))),
        (status = 200, description = "The channel that was made with this key before, as it is now; \
            404 when it was deleted, or one is not in it any more.", body = ChannelView),
        Unauthenticated, Guest, NotFound, BadBody, Unwritable,
    )
)]
pub(crate) async fn create_channel(
    chat: Data<Chat>,
    caller: Caller,
    Repeatable { body: new, key }: Repeatable<NewChannel>,
) -> Answer {
    let private = matches!(new.kind, Visibility::Private);
    let draft = ChannelDraft { name: new.name, description: new.description, private, key };
    let (view, new) = chat.create_channel(&caller, draft).await?;
    Ok(made(new, &location(&view), &view))
}

/// Where a channel is.
pub(super) fn location(view: &ChannelView) -> String {
    format!("/api/v1/channels/{}", view.channel.id)
}

/// List or find public channels.
///
/// All of them, or those whose name begins with `query`, by name.
#[utoipa::path(
    get, path = "/api/v1/channels", operation_id = "list_channels", tag = "channels",
    params(Search),
    responses(
        (status = 200, description = "A page of channels.", body = Page<ChannelView>),
        Unauthenticated, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_channels(
    chat: Data<Chat>,
    caller: Caller,
    Query(search): Query<Search>,
) -> Answer {
    Ok(ok(&page(chat.public_channels(&caller, &search.query, search.request()).await?)))
}

/// A channel.
///
/// Public ones for everybody, all others for their members.
#[utoipa::path(
    get, path = "/api/v1/channels/{channel}", operation_id = "get_channel", tag = "channels",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 200, description = "The channel.", body = ChannelView),
        Unauthenticated, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    Ok(ok(&chat.channel(&caller, channel).await?))
}

/// Change a channel.
///
/// Its owner and moderators may; name, description and topic of a group every member; archiving is the
/// owner's. What is not named stays as it is. Of an archived channel only that can be changed, or
/// anything in the request that opens it again.
#[utoipa::path(
    patch, path = "/api/v1/channels/{channel}", operation_id = "update_channel", tag = "channels",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    request_body(content = ChannelEdit, description = "What changes."),
    responses(
        (status = 200, description = "The channel as it is now.", body = ChannelView),
        Unauthenticated, Forbidden, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn update_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
    Body(edit): Body<ChannelEdit>,
) -> Answer {
    Ok(ok(&chat.update_channel(&caller, channel, edit.into()).await?))
}

/// Delete a channel.
///
/// Neither it nor what was said in it can be seen any more; its owner may.
#[utoipa::path(
    delete, path = "/api/v1/channels/{channel}", operation_id = "delete_channel",
    tag = "channels",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 204, description = "It is deleted."),
        Unauthenticated, Forbidden, NotFound, Unwritable,
    )
)]
pub(crate) async fn delete_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    chat.delete_channel(&caller, channel).await?;
    Ok(done())
}
