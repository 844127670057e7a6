//! Running the server.

use actix_web::web::Data;
use tertulia_chat::{AccountOrder, AdministeredUser, AuditFilter, ChannelSummary, Chat, Counts};
use tertulia_domain::{
    Account, AccountRole, AuditAction, AuditEntry, ChannelId, Fault, Page, PageRequest, UserId,
};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::NewAccount;
use super::paging::{Find, cursor, limit, page};
use super::{Answer, InPath, created, done, ok};
use crate::docs::problems::{
    BadBody, BadQuery, Conflict, Forbidden, NotAdmin, NotFound, Taken, Unauthenticated,
    Unavailable, Unwritable,
};
use crate::extract::{Body, Caller, Device, Query};
use crate::fields::{Fields, Input, id, text};

/// Proof that one has started the server.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "tat_…"}))]
pub(crate) struct AdminToken {
    /// What the server printed when it started without an admin.
    #[schema(max_length = 512)]
    token: String,
}

impl Input for AdminToken {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { token: fields.required("token", text(512))? })
    }
}

/// Become the first admin.
///
/// With the token that the server prints when it starts while there is no admin. It works once, and
/// only the one printed last does.
#[utoipa::path(
    post, path = "/api/v1/admin/claim", operation_id = "claim_admin", tag = "admin",
    request_body(content = AdminToken, description = "The token."),
    responses(
        (status = 200, description = "Oneself, an admin now.", body = Account),
        Unauthenticated, Forbidden, BadBody, Unwritable,
    )
)]
pub(crate) async fn claim_admin(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(proof): Body<AdminToken>,
) -> Answer {
    Ok(ok(&chat.claim_admin(&caller, &proof.token, &client).await?))
}

/// What changes of an account: at least one of these.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"disabled": true}))]
pub(crate) struct UserOrder {
    /// What it may do on the whole server.
    role: Option<AccountRole>,
    /// Whether it is disabled: nobody signs in to it, and who is signed in is signed out.
    disabled: Option<bool>,
}

impl Input for UserOrder {
    fn read(fields: &mut Fields) -> Option<Self> {
        let role = fields.optional("role", |text| match text.as_str() {
            "member" => Ok(AccountRole::Member),
            "admin" => Ok(AccountRole::Admin),
            _ => Err(Fault::new("unknown_kind", "member or admin")),
        });
        let disabled = fields.switch("disabled");
        let order = Self { role: role?, disabled: disabled? };
        if order.role.is_none() && order.disabled.is_none() {
            return fields.fault("", Fault::new("nothing_to_change", "role or disabled"));
        }
        Some(order)
    }
}

/// Which entries of the audit log.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only what this account did.
    #[param(required = false)]
    actor: Option<UserId>,
    /// Only what was done to this account or channel.
    #[param(required = false)]
    target: Option<Uuid>,
    /// Only this action.
    #[param(required = false, inline)]
    action: Option<AuditAction>,
    /// The `next` of the page before; without it, the newest entries.
    #[param(required = false, min_length = 1, max_length = 1024, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(required = false, minimum = 1, maximum = 100, default = 50)]
    limit: i64,
}

impl Input for AuditQuery {
    fn read(fields: &mut Fields) -> Option<Self> {
        let actor = fields.optional("actor", id::<UserId>);
        let target = fields.optional("target", id::<Uuid>);
        let action = fields.optional("action", |text| {
            AuditAction::parse(&text).ok_or(Fault::new("unknown_action", "an action of the log"))
        });
        let cursor = cursor(fields, |key| Uuid::parse_str(&key).is_ok().then_some(key));
        let limit = limit(fields);
        Some(Self {
            actor: actor?,
            target: target?,
            action: action?,
            cursor: cursor?,
            limit: limit?,
        })
    }
}

/// List accounts.
///
/// By username, disabled ones too.
#[utoipa::path(
    get, path = "/api/v1/admin/users", operation_id = "administer_users", tag = "admin",
    params(super::paging::Search),
    responses(
        (status = 200, description = "A page of accounts.", body = Page<AdministeredUser>),
        Unauthenticated, NotAdmin, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_users(
    chat: Data<Chat>,
    caller: Caller,
    Query(search): Query<super::paging::Search>,
) -> Answer {
    let found = chat.administered_users(&caller, &search.query, search.request()).await?;
    Ok(ok(&page(found)))
}

/// Make an account for somebody.
///
/// Also where nobody may register. Whoever gets it should change the password.
#[utoipa::path(
    post, path = "/api/v1/admin/users", operation_id = "create_user", tag = "admin",
    request_body(content = NewAccount, description = "The account."),
    responses(
        (status = 201, description = "The account.", body = AdministeredUser,
            headers(("location" = String, description = "Where it is."))),
        Unauthenticated, NotAdmin, Taken, BadBody, Unwritable,
    )
)]
pub(crate) async fn create_user(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(new): Body<NewAccount>,
) -> Answer {
    let made = chat.create_user(&caller, new.into(), &client).await?;
    Ok(created(&format!("/api/v1/admin/users/{}", made.account.profile.id), &made))
}

/// An account.
///
/// As admins see it, with its address and whether it is disabled.
#[utoipa::path(
    get, path = "/api/v1/admin/users/{user}", operation_id = "administer_user", tag = "admin",
    params(("user" = UserId, Path, description = "Whose.")),
    responses(
        (status = 200, description = "The account.", body = AdministeredUser),
        Unauthenticated, NotAdmin, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_user(
    chat: Data<Chat>,
    caller: Caller,
    InPath(user): InPath<UserId>,
) -> Answer {
    Ok(ok(&chat.administered_user(&caller, user).await?))
}

/// Change what an account may do.
///
/// Who is disabled is signed out everywhere at once, and cannot sign in. One admin always stays, and
/// a guest cannot be one.
#[utoipa::path(
    patch, path = "/api/v1/admin/users/{user}", operation_id = "update_user", tag = "admin",
    params(("user" = UserId, Path, description = "Whose.")),
    request_body(content = UserOrder, description = "What changes."),
    responses(
        (status = 200, description = "The account as it is now.", body = AdministeredUser),
        Unauthenticated, NotAdmin, NotFound, Conflict, BadBody, Unwritable,
    )
)]
pub(crate) async fn update_user(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    InPath(user): InPath<UserId>,
    Body(order): Body<UserOrder>,
) -> Answer {
    let order = AccountOrder { role: order.role, disabled: order.disabled };
    Ok(ok(&chat.administer_user(&caller, user, order, &client).await?))
}

/// List channels and groups.
///
/// That they are there, and how large they are, the newest first. Not what is said in them: for that
/// an admin has to be in a channel like anybody else. Conversations of two people are not among them.
#[utoipa::path(
    get, path = "/api/v1/admin/channels", operation_id = "administer_channels", tag = "admin",
    params(Find),
    responses(
        (status = 200, description = "A page of channels.", body = Page<ChannelSummary>),
        Unauthenticated, NotAdmin, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_channels(
    chat: Data<Chat>,
    caller: Caller,
    Query(find): Query<Find>,
) -> Answer {
    let request = find.request();
    Ok(ok(&page(chat.administered_channels(&caller, &find.query, request).await?)))
}

/// A channel or group.
///
/// That it is there, and how large it is.
#[utoipa::path(
    get, path = "/api/v1/admin/channels/{channel}", operation_id = "administer_channel",
    tag = "admin",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 200, description = "The channel.", body = ChannelSummary),
        Unauthenticated, NotAdmin, NotFound, Unavailable,
    )
)]
pub(crate) async fn get_channel(
    chat: Data<Chat>,
    caller: Caller,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    Ok(ok(&chat.administered_channel(&caller, channel).await?))
}

/// Delete a channel or group as an admin.
///
/// Whoever owns it. Its members hear `channel.deleted`.
#[utoipa::path(
    delete, path = "/api/v1/admin/channels/{channel}", operation_id = "take_down_channel",
    tag = "admin",
    params(("channel" = ChannelId, Path, description = "The channel.")),
    responses(
        (status = 204, description = "It is deleted."),
        Unauthenticated, NotAdmin, NotFound, Unwritable,
    )
)]
pub(crate) async fn delete_channel(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    InPath(channel): InPath<ChannelId>,
) -> Answer {
    chat.take_down_channel(&caller, channel, &client).await?;
    Ok(done())
}

/// How much there is of everything.
///
/// Counted now.
#[utoipa::path(
    get, path = "/api/v1/admin/statistics", operation_id = "statistics", tag = "admin",
    responses(
        (status = 200, description = "The counts.", body = Counts),
        Unauthenticated, NotAdmin, Unavailable,
    )
)]
pub(crate) async fn statistics(chat: Data<Chat>, caller: Caller) -> Answer {
    Ok(ok(&chat.statistics(&caller).await?))
}

/// Read the audit log.
///
/// Who did what to whom, when, from where, and what came of it: all that admins do, and all that
/// changes who can sign in. The newest first. Entries are never changed, but that the addresses of
/// who deletes their account are blanked.
#[utoipa::path(
    get, path = "/api/v1/admin/audit", operation_id = "list_audit", tag = "admin",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of entries.", body = Page<AuditEntry>),
        Unauthenticated, NotAdmin, BadQuery, Unavailable,
    )
)]
pub(crate) async fn list_audit(
    chat: Data<Chat>,
    caller: Caller,
    Query(query): Query<AuditQuery>,
) -> Answer {
    let filter = AuditFilter { actor: query.actor, action: query.action, target: query.target };
    let request = PageRequest { after: query.cursor, limit: query.limit };
    Ok(ok(&page(chat.audit(&caller, filter, request).await?)))
}
