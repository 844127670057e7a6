//! The OpenAPI document, made from the code.

mod limits;
pub(crate) mod problems;
mod queries;
mod socket;

use utoipa::openapi::security::{
    Flow, Http, HttpAuthScheme, OAuth2, Password, Scopes, SecurityScheme,
};
use utoipa::openapi::{Components, OpenApi, RefOr, Schema};
use utoipa::{Modify, OpenApi as _};

use crate::problem::Problem;
use crate::routes::Documented;

pub(crate) use queries::without_query;

/// What stands around the operations.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Tertulia", description = include_str!("docs/introduction.md")),
    paths(socket::connect),
    components(schemas(Problem)),
    security(("bearer" = []), ("password" = [])),
    tags(
        (name = "auth", description = "Signing in and staying so."),
        (name = "users", description = "People."),
        (name = "channels", description = "Places to talk."),
        (name = "members", description = "Who is in a channel."),
        (name = "conversations", description = "Talking with one person, or with several."),
        (name = "messages", description = "What people say."),
        (name = "drafts", description = "What one has begun to say."),
        (name = "reactions", description = "What people make of it."),
        (name = "notifications", description = "What one is told of."),
        (name = "files", description = "What people send beside text."),
        (name = "sync", description = "What a client missed."),
        (name = "admin", description = "Running the server."),
        (name = "socket", description = "Hearing everything at once."),
        (name = "server", description = "Whether the server is there."),
    ),
    modifiers(&Credentials),
)]
struct Frame;

/// How one proves who one is.
struct Credentials;

impl Modify for Credentials {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::new);
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        bearer.description = Some("An `access_token`.".to_owned());
        let flow = Flow::Password(Password::new("/api/v1/auth/login", Scopes::new()));
        let password = OAuth2::with_description([flow], "Username and password.");
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("password", SecurityScheme::OAuth2(password));
    }
}

/// The OpenAPI document of this version: always the same, to the byte.
pub fn openapi() -> OpenApi {
    let mut document = Frame::openapi();
    document.merge(Documented::openapi());
    if let Some(components) = &mut document.components {
        for edit in ["AccountEdit", "ChannelEdit"] {
            if let Some(RefOr::T(Schema::Object(edit))) = components.schemas.get_mut(edit) {
                // The macro has no word for it.
                edit.min_properties = Some(1);
            }
        }
    }
    queries::document(&mut document);
    limits::document(&mut document);
    document
}

#[cfg(test)]
mod tests;
