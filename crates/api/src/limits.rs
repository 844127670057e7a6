//! How much anybody may do: what each operation counts as, and what its answers say of it.

use std::fmt::Write as _;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};
use tertulia_chat::{Caller, Charge, Chat, Limit, Rule, Standing, Throttle};
use uuid::Uuid;

use crate::extract::{bearer, chat, config};
use crate::problem::Problem;

mod view;

pub(crate) use view::LimitsView;

/// What limits there are (draft-ietf-httpapi-ratelimit-headers).
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How they stand.
pub(crate) const STANDING: HeaderName = HeaderName::from_static("ratelimit");

/// Whether the process lives is told to everybody, however often: that costs as little as refusing.
pub(crate) const UNLIMITED: &str = "/health";

const READINESS: &str = "/ready";

/// What an operation counts as, beside a request. Signing in and registering are counted where it is
/// known whose account it is about, and sockets when they are opened.
fn rules_of(method: &Method, path: &str) -> &'static [Rule] {
    match (method.as_str(), path) {
        ("POST", "/api/v1/channels/{channel}/messages") => &[Rule::Messages, Rule::ChannelMessages],
        ("PUT" | "DELETE", "/api/v1/messages/{message}/reactions/{emoji}") => {
            &[Rule::Reactions, Rule::MessageReactions]
        }
        ("POST", "/api/v1/files") | ("PUT", "/api/v1/users/me/avatar") => &[Rule::Uploads],
        ("PUT" | "DELETE", "/api/v1/channels/{channel}/draft") => &[Rule::Drafts],
        ("POST", "/api/v1/conversations") => &[Rule::Conversations],
        ("POST", "/api/v1/channels/{channel}/invitations") => &[Rule::Invitations],
        ("POST", "/api/v1/auth/email") => &[Rule::Probes],
        (
            "GET" | "HEAD",
            "/api/v1/users" | "/api/v1/users/by-username/{username}" | "/api/v1/channels",
        ) => &[Rule::Searches],
        ("GET" | "HEAD", path) if path.contains("/search") => &[Rule::Searches],
        // Reading, which may be said often, and addresses for each image that a page shows.
        ("GET" | "HEAD", _)
        | (
            "PUT",
            "/api/v1/channels/{channel}/read" | "/api/v1/notifications/{notification}/read",
        )
        | (
            "POST",
            "/api/v1/files/{file}/links"
            | "/api/v1/users/{user}/avatar/links"
            | "/api/v1/auth/tickets",
        ) => &[],
        _ => &[Rule::Changes],
    }
}

/// Refuses what is too much, before anything is looked up or read, and says on every answer how the
/// limits stand. `path` is the pattern of what is asked for.
pub(crate) async fn enforce<B: MessageBody + 'static>(
    path: &'static str,
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Without a `Chat` there is nothing but pages.
    let throttle = chat(request.request()).ok().map(Chat::throttle);
    let throttle = throttle.filter(|throttle| path != UNLIMITED && throttle.limits().is_some());
    let Some(throttle) = throttle else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let charges = charges(throttle, path, &request)?;
    let mut standings: Vec<Told> = Vec::with_capacity(charges.len());
    if let Err(refused) = throttle.take(&charges, |standing| standings.push(standing.into())) {
        let problem = Problem::from(tertulia_chat::Error::from(refused));
        let response = request.into_response(problem.error_response());
        return Ok(tell(response, &[refused.into()]).map_into_right_body());
    }
    let response = next.call(request).await?;
    let Ok(chat) = chat(response.request()) else { return Ok(response.map_into_left_body()) };
    // Only what is begun counts, not what is found.
    let begun = charges.iter().find(|charge| charge.rule() == Rule::Conversations);
    if let Some(begun) = begun.filter(|_| response.status() != StatusCode::CREATED) {
        chat.throttle().give_back(*begun);
    }
    let error = response.response().error().and_then(|error| error.as_error::<Problem>());
    let refused = error.and_then(|problem| {
        let rule = problem.limited?;
        let (limit, wait) = (chat.throttle().limits()?.get(rule), problem.retry_after()?);
        Some(tertulia_chat::Refused { rule, limit, wait })
    });
    standings.extend(refused.map(Told::from));
    Ok(tell(response, &standings).map_into_left_body())
}

/// What a request costs, the widest first. Whoever has no good token costs their address; the token
/// is read once, and kept for the handler.
fn charges(
    throttle: &Throttle,
    path: &'static str,
    request: &ServiceRequest,
) -> Result<Vec<Charge>, Problem> {
    let by_address = |rule| -> Result<_, Problem> {
        let address = config(request.request())?.client_address(request.request());
        Ok(vec![throttle.charge_address(rule, address)])
    };
    if path == READINESS {
        return by_address(Rule::Readiness);
    }
    let token = bearer(request.headers());
    let chat = chat(request.request())?;
    let proven = token.and_then(|token| chat.authenticate(token).ok());
    if let Some(caller) = proven {
        request.extensions_mut().insert::<Caller>(caller);
    }
    let Some(caller) = proven.or_else(|| by_link(chat, request)) else {
        return by_address(Rule::Anonymous);
    };
    let mut charges = Vec::with_capacity(4);
    charges.push(throttle.charge(Rule::Requests, caller.user));
    charges.push(throttle.charge(Rule::Session, caller.session));
    // What is no id is the name of nothing.
    let target = |name| {
        let named = request.match_info().get(name).and_then(|text| Uuid::parse_str(text).ok());
        named.unwrap_or_default()
    };
    charges.extend(rules_of(request.method(), path).iter().map(|rule| match rule {
        Rule::ChannelMessages => throttle.charge(*rule, (caller.user, target("channel"))),
        Rule::MessageReactions => throttle.charge(*rule, (caller.user, target("message"))),
        _ => throttle.charge(*rule, caller.user),
    }));
    Ok(charges)
}

/// Who fetches a file by a link to it: a page shows a hundred images, and an office many pages. It
/// proves nothing else, so that it is kept for nobody.
fn by_link(chat: &Chat, request: &ServiceRequest) -> Option<Caller> {
    let query = request.query_string();
    if !query.contains("link=") || request.headers().contains_key(AUTHORIZATION) {
        return None;
    }
    let asked = |name| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let version = asked("version");
    let file = request.match_info().get("file").or(version.as_deref())?;
    let file = Uuid::parse_str(file).ok()?.into();
    chat.authenticate_link(&asked("link")?, file).ok()
}

/// Says how the limits stand: by name, how many in how many seconds, how many are left, and in how
/// many seconds all are there again.
fn tell<B>(mut response: ServiceResponse<B>, standings: &[Told]) -> ServiceResponse<B> {
    let (mut policy, mut standing) = (String::with_capacity(96), String::with_capacity(96));
    for Told { rule, limit, left, reset } in standings {
        let comma = if policy.is_empty() { "" } else { ", " };
        let (name, quota, window) = (rule.name(), limit.burst(), limit.seconds());
        let _ = write!(policy, "{comma}\"{name}\";q={quota};w={window}");
        let _ = write!(standing, "{comma}\"{name}\";r={left};t={reset}");
    }
    for (name, value) in [(POLICY, policy), (STANDING, standing)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// How a limit stands.
struct Told {
    rule: Rule,
    limit: Limit,
    left: u32,
    reset: u64,
}

impl From<Standing> for Told {
    fn from(standing: Standing) -> Self {
        let Standing { rule, limit, left } = standing;
        let reset = standing.reset();
        let reset = reset.as_secs() + u64::from(reset.subsec_nanos() > 0);
        Self { rule, limit, left, reset }
    }
}

impl From<tertulia_chat::Refused> for Told {
    fn from(refused: tertulia_chat::Refused) -> Self {
        let (rule, limit) = (refused.rule, refused.limit);
        Self { rule, limit, left: 0, reset: refused.seconds() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::OPERATIONS;

    #[test]
    fn what_is_counted_is_there() {
        let counted = |wanted: Rule| {
            let rules = |(method, path): &&(&str, &str)| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                rules_of(&method, path).contains(&wanted)
            };
            OPERATIONS.iter().filter(rules).count()
        };
        for (rule, least) in [
            (Rule::Messages, 1),
            (Rule::ChannelMessages, 1),
            (Rule::Reactions, 2),
            (Rule::MessageReactions, 2),
            (Rule::Uploads, 2),
            (Rule::Drafts, 2),
            (Rule::Conversations, 1),
            (Rule::Invitations, 1),
            (Rule::Probes, 1),
            (Rule::Searches, 3),
            (Rule::Changes, 30),
        ] {
            assert!(counted(rule) >= least, "{rule:?}");
        }
    }
}
