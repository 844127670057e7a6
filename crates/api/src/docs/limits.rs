//! What every answer says of the limits, and how it is when they are exceeded.

use actix_web::http::header::HeaderName;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Components, ObjectBuilder, OpenApi, Ref, RefOr, Response};

use super::problems::TooManyRequests;
use crate::limits::{POLICY, STANDING, UNLIMITED};

/// The headers, and what the document calls them.
const HEADERS: [(HeaderName, &str); 2] = [(POLICY, "RateLimit-Policy"), (STANDING, "RateLimit")];

const DESCRIPTION: &str = "`too_many_requests`: wait for `Retry-After` seconds.";

/// Adds to every operation but those without limits what they share.
pub(super) fn document(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    let policy = header("\"requests\";q=2000;w=40", "Which limits this counted for.");
    let standing = header("\"requests\";r=1999;t=1", "What is left of them.");
    for ((_, component), header) in HEADERS.iter().zip([policy, standing]) {
        components.headers.insert((*component).to_owned(), header);
    }
    for (path, item) in &mut document.paths.paths {
        if path == UNLIMITED {
            continue;
        }
        for operation in operations(item) {
            limit(operation);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn limit(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    match responses.get_mut("429") {
        Some(RefOr::T(response)) if !response.description.contains("too_many_requests") => {
            response.description = format!("{} Or {DESCRIPTION}", response.description);
        }
        Some(_) => {}
        None => responses.extend(<TooManyRequests as utoipa::IntoResponses>::responses()),
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && (status.starts_with('2') || status == "429")
        {
            add_headers(response);
        }
    }
}

fn add_headers(response: &mut Response) {
    for (header, component) in HEADERS {
        let reference = Ref::new(format!("#/components/headers/{component}"));
        response.headers.insert(header.as_str().to_owned(), RefOr::Ref(reference));
    }
}

fn header(example: &str, description: &str) -> RefOr<Header> {
    let text = ObjectBuilder::new().schema_type(Type::String).examples([example]).build();
    let mut header = Header::new(text);
    header.description = Some(description.to_owned());
    RefOr::T(header)
}
