//! Signing in and staying so.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use tertulia_chat::{Chat, OwnView, Registration, Session, SignedIn, Ticket};
use tertulia_domain::{Account, DisplayName, Email, NewPassword, Page, SessionId, Username};
use utoipa::ToSchema;

use super::{Answer, InPath, NO_STORE, created, done, ok};
use crate::docs::problems::{
    BadBody, Closed, Conflict, Disabled, NotFound, Taken, TooManyRequests, Unauthenticated,
    Unavailable, Unwritable, WrongCredentials, WrongPassword,
};
use crate::extract::{Body, BodyOrForm, Caller, Device};
use crate::fields::{Fields, Input, text};

/// What a log-in may have in a field, in characters. No account has anything longer, and log-in
/// has no other rule: what does not match is just wrong.
const MAX_CREDENTIAL: usize = 1024;

/// An account to be made.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ann", "password": "correct horse battery staple"}))]
pub(crate) struct NewAccount {
    /// To sign in and be mentioned by: letters, digits, `_`, `.` and `-`, beginning with a letter
    /// or digit; unique without case; `me` and `channel` are reserved.
    #[schema(value_type = String, min_length = 2, max_length = 32,
        pattern = r"^[^\s@/_.-][^\s@/]+$")]
    username: Username,
    /// To sign in by; shown to nobody else.
    #[schema(value_type = Option<String>, format = Email, max_length = 254)]
    email: Option<Email>,
    /// Kept as a hash.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256,
        pattern = r"^[^\x00]*$")]
    password: NewPassword,
    /// How one is shown; the username, if it is not given.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$")]
    display_name: Option<DisplayName>,
}

impl Input for NewAccount {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.required("username", |text| Username::parse(&text));
        let email = fields.optional("email", |text| Email::parse(&text));
        let password = fields.required("password", NewPassword::parse);
        let display_name = fields.optional("display_name", |text| DisplayName::parse(&text));
        Some(Self {
            username: username?,
            email: email?,
            password: password?,
            display_name: display_name?,
        })
    }
}

impl From<NewAccount> for Registration {
    fn from(new: NewAccount) -> Self {
        let NewAccount { username, email, password, display_name } = new;
        Self { username, email, password, display_name }
    }
}

/// Who signs in.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ann", "password": "correct horse battery staple"}))]
pub(crate) struct Credentials {
    /// The username or the e-mail address, in any case.
    #[schema(max_length = 1024)]
    username: String,
    /// The password.
    #[schema(format = Password, max_length = 1024)]
    password: String,
}

/// Who signs in, as the form of OAuth2's password grant. Its other fields (`grant_type`, `scope`,
/// `client_id`, `client_secret`) are accepted and ignored.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only the document reads it: the fields are those of `Credentials`")]
pub(crate) struct CredentialsForm {
    /// The username or the e-mail address, in any case.
    #[schema(max_length = 1024, example = "ann")]
    username: String,
    /// The password.
    #[schema(format = Password, max_length = 1024, example = "correct horse battery staple")]
    password: String,
}

impl Input for Credentials {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.required("username", text(MAX_CREDENTIAL));
        let password = fields.required("password", text(MAX_CREDENTIAL));
        Some(Self { username: username?, password: password? })
    }
}

/// Proof that one is signed in.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "trt_…"}))]
pub(crate) struct RefreshToken {
    /// The newest one.
    #[schema(max_length = 512)]
    refresh_token: String,
}

impl Input for RefreshToken {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { refresh_token: fields.required("refresh_token", text(512))? })
    }
}

/// Another password.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "current": "correct horse battery staple", "new": "a better horse battery staple"
}))]
pub(crate) struct PasswordChange {
    /// The password as it is.
    #[schema(format = Password, max_length = 1024)]
    current: String,
    /// The password as it is to be.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256,
        pattern = r"^[^\x00]*$")]
    new: NewPassword,
}

impl Input for PasswordChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let current = fields.required("current", text(MAX_CREDENTIAL));
        let new = fields.required("new", NewPassword::parse);
        Some(Self { current: current?, new: new? })
    }
}

/// Another e-mail address.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "ann@example.com", "password": "correct horse battery staple"
}))]
pub(crate) struct EmailChange {
    /// The address as it is to be.
    #[schema(value_type = String, format = Email, max_length = 254)]
    email: Email,
    /// One's password.
    #[schema(format = Password, max_length = 1024)]
    password: String,
}

impl Input for EmailChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let email = fields.required("email", |text| Email::parse(&text));
        let password = fields.required("password", text(MAX_CREDENTIAL));
        Some(Self { email: email?, password: password? })
    }
}

/// A signed-in device.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionView {
    #[serde(flatten)]
    session: Session,
    /// Whether it is the one that asks.
    current: bool,
}

/// Make an account.
///
/// And sign in with it. A username is taken also when another one looks the same.
#[utoipa::path(
    post, path = "/api/v1/auth/register", operation_id = "register", tag = "auth", security(()),
    request_body(content = NewAccount, description = "The account."),
    responses(
        (status = 201, description = "The account, signed in.", body = SignedIn,
            headers(("location" = String, description = "Where its profile is."))),
        Closed, Taken, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn register(
    chat: Data<Chat>,
    Device(client): Device,
    Body(new): Body<NewAccount>,
) -> Answer {
    let signed_in = chat.register(new.into(), &client).await?;
    Ok(created(&format!("/api/v1/users/{}", signed_in.user.profile.id), &signed_in))
}

/// Sign in.
///
/// With the username or the e-mail address. Takes JSON, or the form of OAuth2's password grant.
#[utoipa::path(
    post, path = "/api/v1/auth/login", operation_id = "log_in", tag = "auth", security(()),
    request_body(description = "Who signs in.", content(
        (Credentials = "application/json"),
        (CredentialsForm = "application/x-www-form-urlencoded")
    )),
    responses(
        (status = 200, description = "Signed in.", body = SignedIn),
        WrongCredentials, Disabled, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn log_in(
    chat: Data<Chat>,
    Device(client): Device,
    BodyOrForm(who): BodyOrForm<Credentials>,
) -> Answer {
    Ok(ok(&chat.log_in(&who.username, &who.password, &client).await?))
}

/// Stay signed in.
///
/// A refresh token is good once: keep the one that comes back. Sent again within 20 s, it gives the
/// same successor; later, it ends the session, since somebody must have stolen it.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", operation_id = "refresh", tag = "auth", security(()),
    request_body(content = RefreshToken, description = "The newest refresh token."),
    responses(
        (status = 200, description = "New tokens.", body = SignedIn),
        Unauthenticated, BadBody, Unwritable,
    )
)]
pub(crate) async fn refresh(chat: Data<Chat>, Body(proof): Body<RefreshToken>) -> Answer {
    Ok(ok(&chat.refresh(&proof.refresh_token).await?))
}

/// Sign out.
///
/// Ends the session that asks, with its tokens and its sockets.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", operation_id = "log_out", tag = "auth",
    responses((status = 204, description = "Signed out."), Unauthenticated, Unwritable)
)]
pub(crate) async fn log_out(chat: Data<Chat>, caller: Caller) -> Answer {
    chat.log_out(&caller).await?;
    Ok(done())
}

/// Get a ticket for a WebSocket.
///
/// For browsers, which can set no `Authorization` there. Good once, for 30 s.
#[utoipa::path(
    post, path = "/api/v1/auth/tickets", operation_id = "create_ticket", tag = "auth",
    responses(
        (status = 201, description = "The ticket.", body = Ticket),
        Unauthenticated, Unwritable,
    )
)]
pub(crate) async fn create_ticket(chat: Data<Chat>, caller: Caller) -> Answer {
    let ticket = chat.ticket(&caller).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(ticket))
}

/// Oneself.
///
/// The same as `/api/v1/users/me`.
#[utoipa::path(
    get, path = "/api/v1/auth/me", operation_id = "me", tag = "auth",
    responses(
        (status = 200, description = "One's account.", body = OwnView),
        Unauthenticated, Unavailable,
    )
)]
pub(crate) async fn me(chat: Data<Chat>, caller: Caller) -> Answer {
    Ok(ok(&chat.oneself(&caller).await?))
}

/// Change one's password.
///
/// Every other device of one's own is signed out, with its sockets. Of several changes at once one
/// counts: for the others `current` is wrong.
#[utoipa::path(
    post, path = "/api/v1/auth/password", operation_id = "change_password", tag = "auth",
    request_body(content = PasswordChange, description = "The old one, and the new one."),
    responses(
        (status = 204, description = "It is changed."),
        Unauthenticated, WrongPassword, Conflict, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn change_password(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(change): Body<PasswordChange>,
) -> Answer {
    chat.change_password(&caller, &change.current, &change.new, &client).await?;
    Ok(done())
}

/// Change one's e-mail address.
///
/// Whoever changes what one signs in by proves that it is they.
#[utoipa::path(
    post, path = "/api/v1/auth/email", operation_id = "change_email", tag = "auth",
    request_body(content = EmailChange, description = "The new one, and one's password."),
    responses(
        (status = 200, description = "One's account as it is now.", body = Account),
        Unauthenticated, WrongPassword, Taken, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn change_email(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(change): Body<EmailChange>,
) -> Answer {
    Ok(ok(&chat.change_email(&caller, &change.password, change.email, &client).await?))
}

/// List one's signed-in devices.
///
/// The last used first; at most 100, on one page.
#[utoipa::path(
    get, path = "/api/v1/auth/sessions", operation_id = "list_sessions", tag = "auth",
    responses(
        (status = 200, description = "The devices.", body = Page<SessionView>),
        Unauthenticated, Unavailable,
    )
)]
pub(crate) async fn list_sessions(chat: Data<Chat>, caller: Caller) -> Answer {
    let sessions = chat.sessions(&caller).await?.into_iter();
    let view = |session: Session| SessionView { current: session.id == caller.session, session };
    Ok(ok(&Page { items: sessions.map(view).collect(), next: None }))
}

/// Sign out one of one's devices.
///
/// Its tokens and sockets end with it.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions/{session}", operation_id = "end_session", tag = "auth",
    params(("session" = SessionId, Path, description = "The device.")),
    responses(
        (status = 204, description = "It is signed out."),
        Unauthenticated, NotFound, Unwritable,
    )
)]
pub(crate) async fn end_session(
    chat: Data<Chat>,
    caller: Caller,
    InPath(session): InPath<SessionId>,
) -> Answer {
    chat.end_session(&caller, session).await?;
    Ok(done())
}

/// Sign out all of one's devices.
///
/// The one that asks, too.
#[utoipa::path(
    delete, path = "/api/v1/auth/sessions", operation_id = "end_all_sessions", tag = "auth",
    responses((status = 204, description = "All are signed out."), Unauthenticated, Unwritable)
)]
pub(crate) async fn end_all_sessions(chat: Data<Chat>, caller: Caller) -> Answer {
    chat.end_all_sessions(&caller).await?;
    Ok(done())
}
