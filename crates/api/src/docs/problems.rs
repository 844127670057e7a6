//! What can go wrong, in groups that operations share.

use std::collections::BTreeMap;

use utoipa::IntoResponses;
use utoipa::openapi::header::Header;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{ContentBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder};

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal $description:literal),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            pub(crate) enum $name {}

            impl IntoResponses for $name {
                fn responses() -> BTreeMap<String, RefOr<Response>> {
                    [$(problem($status, $description)),+].into()
                }
            }
        )+
    };
}

problems! {
    /// For operations that need a signed-in caller.
    Unauthenticated {
        401 "`unauthenticated`: no proof of identity, or one that is wrong, over or ended.",
    }
    /// For signing in.
    WrongCredentials {
        401 "`wrong_credentials`: the username or the password is wrong.",
    }
    /// For signing in to an account that cannot be used.
    Disabled {
        403 "`account_disabled`: the password is right, and an admin has disabled the account.",
    }
    /// For what the caller's password has to prove.
    WrongPassword {
        403 "`wrong_password`: this is not the caller's password.",
    }
    /// For what may be switched off.
    Closed {
        403 "`forbidden`: this server does not take anybody in this way.",
    }
    /// For what only admins may do.
    NotAdmin {
        403 "`forbidden`: only admins may do this, whether or not there is what they ask for.",
    }
    /// For what guests may not do.
    Guest {
        403 "`forbidden`: guests may not do this; they can sign up first.",
    }
    /// For what one may see but not do.
    Forbidden {
        403 "`forbidden`: it can be seen, but not done.",
    }
    /// For saying something.
    Silenced {
        403 "`forbidden`: one may not write here; or `muted`: not before `Retry-After` seconds, which are at most a day.",
        429 "`slow_mode`: one has spoken lately; wait for `Retry-After` seconds.",
    }
    /// For what may not be there.
    NotFound {
        404 "`not_found`: there is no such thing, as far as the caller may know.",
    }
    /// For what may contradict what is there.
    Conflict {
        409 "It contradicts what is there; `code` says how.",
    }
    /// For making an account.
    Taken {
        409 "`username_taken` or `email_taken`.",
    }
    /// For changes with a precondition.
    Stale {
        412 "`stale`: it has changed since.",
    }
    /// For operations with a query string.
    BadQuery {
        422 "`invalid`: `errors` has all that is wrong with the query.",
    }
    /// For operations whose path names an emoji.
    BadEmoji {
        422 "`invalid`: this is not one emoji.",
    }
    /// For operations with a body.
    BadBody {
        400 "`malformed`: the body cannot be read.",
        408 "`request_timeout`: the body took too long.",
        413 "`payload_too_large`: the body is above 256 KiB.",
        415 "`unsupported_media_type`: the body is of another type.",
        422 "`invalid`: `errors` has all that is wrong with the input.",
    }
    /// For operations that are throttled.
    TooManyRequests {
        429 "`too_many_requests`: wait for `Retry-After` seconds.",
    }
    /// For operations that read.
    Unavailable {
        503 "`unavailable` or `overloaded`: try again after `Retry-After` seconds.",
    }
    /// For operations that write.
    Unwritable {
        503 "`unavailable`, `overloaded` or `timeout`: try again after `Retry-After` seconds.",
        507 "`disk_full`: the server's disk is full; reading goes on.",
    }
}

fn problem(status: u16, description: &str) -> (String, RefOr<Response>) {
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content);
    if matches!(status, 429 | 503) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build();
        response = response.header("retry-after", Header::new(seconds));
    }
    (status.to_string(), response.build().into())
}
