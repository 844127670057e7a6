//! Which operations have parameters in their query, and what the others say of any.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

use actix_web::http::Method;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::problems::BadQuery;

/// A page that people open, and what probes ask, by addresses to which others add what they like.
const OPEN: [&str; 3] = ["/", "/health", "/ready"];

/// The operations that have no parameters in their query, by their path, and whether one has to sign in.
static WITHOUT_QUERY: LazyLock<HashMap<String, Vec<(Method, bool)>>> = LazyLock::new(|| {
    let mut document = super::openapi();
    let paths = document.paths.paths.iter_mut().filter(|(path, _)| !OPEN.contains(&path.as_str()));
    let without = |(path, item): (&String, &mut PathItem)| {
        let methods = operations(item).filter(|(_, operation)| !has_query(operation));
        let methods = methods.map(|(method, operation)| (method, operation.security.is_none()));
        (path.clone(), methods.collect())
    };
    paths.map(without).collect()
});

/// The methods by which a path takes no parameters in its query, each with whether one has to sign in;
/// none of a path that the document does not have.
pub(crate) fn without_query(path: &str) -> Rc<[(Method, bool)]> {
    WITHOUT_QUERY.get(path).map_or_else(Rc::default, |methods| methods.as_slice().into())
}

/// Adds to every operation that parameters which it has not are refused.
pub(super) fn document(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if OPEN.contains(&path.as_str()) {
            continue;
        }
        for (_, operation) in operations(item) {
            let responses = &mut operation.responses.responses;
            if !responses.contains_key("422") {
                responses.extend(<BadQuery as utoipa::IntoResponses>::responses());
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::DELETE, delete),
        (Method::PATCH, patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn has_query(operation: &Operation) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => true,
    })
}
