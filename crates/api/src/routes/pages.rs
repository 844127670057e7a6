//! Pages for people: where to go from here, and what the API can do.

use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderName};
use utoipa_swagger_ui::Config as SwaggerConfig;

use super::{Answer, InPath};
use crate::problem::Problem;

/// The document never changes while the server runs.
static OPENAPI: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(&crate::docs::openapi()).unwrap_or_default());

static SWAGGER: LazyLock<Arc<SwaggerConfig<'static>>> = LazyLock::new(|| {
    let config = SwaggerConfig::from("/openapi.json").try_it_out_enabled(true);
    // Nobody else is asked whether the document is valid.
    Arc::new(config.validator_url("none"))
});

/// Nothing but this server's own files, and no scripts on the page itself. Swagger UI has styles
/// and images on it.
const SWAGGER_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The one script is not this server's own: it alone is let in, and pinned by its hash (in
/// `redoc.html`). It writes its styles into the page, and searches in a worker.
const REDOC_POLICY: &str = "default-src 'none'; \
    script-src https://cdn.jsdelivr.net/npm/redoc@2.5.4/bundles/redoc.standalone.js; \
    connect-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; worker-src blob:; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// No scripts, and the one style that stands in the page, by its hash. From its console people try
/// the API, as the README shows.
const HOME_POLICY: &str = "default-src 'none'; connect-src 'self'; \
    style-src 'sha256-eSbFahJxR88GEU6vs6+Nlfcu7gWK3pqqeBqlgdJEKyo='; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// `redoc` 2.5.4, as npm and jsDelivr have it. Its hash is what `npm pack redoc@2.5.4` and `openssl
/// dgst -sha384 -binary bundles/redoc.standalone.js | base64` give.
const REDOC: &str = include_str!("pages/redoc.html");

const HOME: &str = include_str!("pages/home.html");

/// The same for everybody, and asked about each time: it changes with the version.
const PUBLIC: (HeaderName, &str) = (header::CACHE_CONTROL, "no-cache");

fn page(policy: &'static str, html: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header(policy_header(policy))
        .insert_header(PUBLIC)
        .body(html)
}

fn policy_header(policy: &'static str) -> (HeaderName, &'static str) {
    (header::CONTENT_SECURITY_POLICY, policy)
}

/// What a browser sees at `/`.
pub(super) fn home(app_name: &str) -> HttpResponse {
    let version = env!("CARGO_PKG_VERSION");
    let html = HOME.replace("{version}", version).replace("{app_name}", &escape(app_name));
    page(HOME_POLICY, html)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// `/openapi.json`.
pub(super) async fn openapi_json() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").insert_header(PUBLIC).body(OPENAPI.as_str())
}

/// `/docs`: the files of Swagger UI are beside `/docs/`.
pub(super) async fn to_swagger_ui() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "docs/")).finish()
}

/// `/docs/…`: Swagger UI, from this binary.
pub(super) async fn swagger_ui(InPath(file): InPath<String>) -> Answer {
    let found = utoipa_swagger_ui::serve(&file, Arc::clone(&SWAGGER)).ok().flatten();
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(found.content_type)
        .insert_header(policy_header(SWAGGER_POLICY))
        .insert_header(PUBLIC)
        .body(found.bytes.into_owned()))
}

/// `/redoc`.
pub(super) async fn redoc() -> HttpResponse {
    page(REDOC_POLICY, REDOC.to_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn a_name_cannot_be_a_tag() {
        assert_eq!(escape("<b>&\"'"), "&lt;b&gt;&amp;&quot;&#39;");
    }

    #[test]
    fn the_style_of_the_page_is_the_one_that_is_let_in() {
        let style = HOME.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(HOME_POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
        // Nothing is filled in there.
        assert!(!style.contains("{app_name}") && !style.contains("{version}"));
    }

    #[test]
    fn without_redoc_there_is_a_way_on() {
        let instead = REDOC.split("<redoc").nth(1).unwrap().split("</redoc>").next().unwrap();
        assert!(instead.contains("href=\"docs/\"") && instead.contains("href=\"openapi.json\""));
    }

    #[test]
    fn redoc_is_pinned_to_one_version_and_its_hash() {
        assert!(REDOC.contains("https://cdn.jsdelivr.net/npm/redoc@2.5.4/bundles/"));
        assert!(REDOC.contains("integrity=\"sha384-"));
    }
}
