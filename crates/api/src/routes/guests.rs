//! Guests, and what they become.

use actix_web::web::Data;
use tertulia_chat::{Chat, SignUp, SignedIn};
use tertulia_domain::{Account, DisplayName, Email, NewPassword, Username};
use utoipa::ToSchema;

use super::{Answer, created, ok};
use crate::docs::problems::{
    BadBody, Closed, Conflict, TooManyRequests, Unauthenticated, Unwritable,
};
use crate::extract::{Body, Caller, Device};
use crate::fields::{Fields, Input};

/// Who comes as a guest.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ann Lee"}))]
pub(crate) struct NewGuest {
    /// How one is shown; need not be unique.
    #[schema(value_type = String, min_length = 1, max_length = 64,
        pattern = r"^[^\x00-\x1f]*[^\s\x00-\x1f][^\x00-\x1f]*$")]
    name: DisplayName,
}

impl Input for NewGuest {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { name: fields.required("name", |text| DisplayName::parse(&text))? })
    }
}

/// What a guest signs up with.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "ann", "password": "correct horse battery staple"}))]
pub(crate) struct SigningUp {
    /// To sign in and be mentioned by, as at registering.
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
}

impl Input for SigningUp {
    fn read(fields: &mut Fields) -> Option<Self> {
        let username = fields.required("username", |text| Username::parse(&text));
        let email = fields.optional("email", |text| Email::parse(&text));
        let password = fields.required("password", NewPassword::parse);
        Some(Self { username: username?, email: email?, password: password? })
    }
}

/// Come in as a guest.
///
/// With a name and nothing else, where the server takes guests. A guest joins public channels and
/// writes there, and wherever somebody brings them; makes no channels and begins no conversations;
/// and is forgotten after a day without refreshing, unless the server's settings say otherwise, or
/// by signing out.
#[utoipa::path(
    post, path = "/api/v1/auth/guest", operation_id = "enter_as_guest", tag = "auth", security(()),
    request_body(content = NewGuest, description = "The name."),
    responses(
        (status = 201, description = "The guest, signed in.", body = SignedIn,
            headers(("location" = String, description = "Where their profile is."))),
        Closed, Conflict, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn enter_as_guest(
    chat: Data<Chat>,
    Device(client): Device,
    Body(new): Body<NewGuest>,
) -> Answer {
    let signed_in = chat.guest(new.name, &client).await?;
    Ok(created(&format!("/api/v1/users/{}", signed_in.user.profile.id), &signed_in))
}

/// Make a guest's account one's own.
///
/// With a name and a password to sign in by. It stays the same account: channels and messages, and
/// the devices that are signed in. Where nobody may register, guests cannot do this either.
#[utoipa::path(
    post, path = "/api/v1/auth/guest/upgrade", operation_id = "upgrade_guest", tag = "auth",
    request_body(content = SigningUp, description = "What one signs in with from now on."),
    responses(
        (status = 200, description = "One's account as it is now.", body = Account),
        Unauthenticated, Closed, Conflict, BadBody, TooManyRequests, Unwritable,
    )
)]
pub(crate) async fn upgrade_guest(
    chat: Data<Chat>,
    caller: Caller,
    Device(client): Device,
    Body(new): Body<SigningUp>,
) -> Answer {
    let SigningUp { username, email, password } = new;
    Ok(ok(&chat.upgrade_guest(&caller, SignUp { username, email, password }, &client).await?))
}
