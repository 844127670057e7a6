//! Which version of a message a client has: strong `ETag`s of its content.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use tertulia_domain::{Message, MessagePrecondition};

use crate::problem::Problem;

/// The tag of a message's content, its tombstone included.
pub(super) fn of(message: &Message) -> (HeaderName, String) {
    (header::ETAG, format!("\"v{}\"", message.version))
}

/// `If-Match`: what a message must be for the request to be done. Weak tags, and those that this
/// server never gave, match nothing (RFC 9110, section 13.1.1).
pub(super) struct IfMatch(pub(super) MessagePrecondition);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let precondition = if !request.headers().contains_key(header::IF_MATCH)
            || tags(request, &header::IF_MATCH).any(|tag| tag == "*")
        {
            MessagePrecondition::Any
        } else {
            // Versions only grow: of several that a client has seen, only the newest can be right.
            tags(request, &header::IF_MATCH)
                .filter_map(version)
                .max()
                .map_or(MessagePrecondition::Never, MessagePrecondition::Version)
        };
        ready(Ok(Self(precondition)))
    }
}

/// `If-None-Match`: which versions the client holds already.
pub(super) struct IfNoneMatch(Vec<i32>, bool);

impl IfNoneMatch {
    /// Whether the client holds this message as it is.
    pub(super) fn holds(&self, message: &Message) -> bool {
        let Self(versions, any) = self;
        *any || versions.contains(&message.version)
    }
}

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let tags = || tags(request, &header::IF_NONE_MATCH);
        // This comparison is the weak one, in which `W/` does not count.
        let versions = tags().map(|tag| tag.strip_prefix("W/").unwrap_or(tag)).filter_map(version);
        ready(Ok(Self(versions.collect(), tags().any(|tag| tag == "*"))))
    }
}

fn tags<'a>(request: &'a HttpRequest, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn version(tag: &str) -> Option<i32> {
    let version = tag.strip_prefix("\"v")?.strip_suffix('"')?;
    // Only as this server writes it: no sign, no zero in front.
    version.parse().ok().filter(|parsed: &i32| parsed.to_string() == version)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    async fn if_match(value: &str) -> MessagePrecondition {
        let request = TestRequest::default().insert_header(("if-match", value)).to_http_request();
        IfMatch::extract(&request).await.unwrap().0
    }

    #[actix_web::test]
    async fn only_own_strong_tags_match() {
        assert_eq!(if_match("\"v3\"").await, MessagePrecondition::Version(3));
        assert_eq!(if_match("\"v1\", \"x\" ,\"v3\"").await, MessagePrecondition::Version(3));
        assert_eq!(if_match("*").await, MessagePrecondition::Any);
        for foreign in ["W/\"v3\"", "\"3\"", "v3", "\"v03\"", "\"v+3\"", "\"v99999999999\"", ""] {
            assert_eq!(if_match(foreign).await, MessagePrecondition::Never, "{foreign}");
        }
        let request = TestRequest::default().to_http_request();
        assert_eq!(IfMatch::extract(&request).await.unwrap().0, MessagePrecondition::Any);
    }
}
