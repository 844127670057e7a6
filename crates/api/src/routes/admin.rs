//! Running the server.

use actix_web::web::Data;
use tertulia_chat::Chat;
use tertulia_domain::Account;
use utoipa::ToSchema;

use super::{Answer, ok};
use crate::docs::problems::{BadBody, Forbidden, Unauthenticated, Unwritable};
use crate::extract::{Body, Caller};
use crate::fields::{Fields, Input, text};

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
    Body(proof): Body<AdminToken>,
) -> Answer {
    Ok(ok(&chat.claim_admin(&caller, &proof.token).await?))
}
