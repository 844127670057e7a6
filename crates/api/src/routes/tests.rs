use std::net::SocketAddr;

use actix_web::App;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body, read_body_json};
use actix_web::web::Data;
use serde_json::Value;

use super::{OPERATIONS, configure};
use crate::Config;

async fn ask(method: Method, path: &str, accept: &'static str) -> ServiceResponse {
    let config = Config { app_name: "<Tea & talk>".to_owned(), ..Config::default() };
    let app = App::new().app_data(Data::new(config)).configure(configure);
    let app = init_service(app).await;
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let request = TestRequest::with_uri(path).method(method).peer_addr(peer);
    call_service(&app, request.insert_header(("accept", accept)).to_request()).await
}

async fn get(path: &str) -> ServiceResponse {
    ask(Method::GET, path, "*/*").await
}

fn header<'a>(response: &'a ServiceResponse, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[actix_web::test]
async fn unknown_paths_are_problems() {
    for path in ["/nothing", "/api", "/api/v1/", "/api/v1/channels/1/2/3", "/docs/../x", "/%"] {
        let response = get(path).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(header(&response, "content-type"), "application/problem+json");
        let problem: Value = read_body_json(response).await;
        assert_eq!(problem["code"], "not_found");
    }
}

#[actix_web::test]
async fn every_path_names_the_methods_that_it_takes() {
    for (_, path) in OPERATIONS {
        let response = ask(Method::TRACE, path, "*/*").await;
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = header(&response, "allow").to_ascii_lowercase();
        for (method, other) in OPERATIONS {
            assert!(path != other || allowed.contains(method), "{path}: {allowed}");
        }
        assert_eq!(allowed.contains("get"), allowed.contains("head"), "{path}: {allowed}");
        let problem: Value = read_body_json(response).await;
        assert_eq!(problem["code"], "method_not_allowed");
    }
}

#[actix_web::test]
async fn the_process_says_that_it_lives() {
    let response = get("/health").await;
    assert_eq!(response.status(), StatusCode::OK);
    let health: Value = read_body_json(response).await;
    assert_eq!(health["status"], "ok");
    assert_eq!(ask(Method::HEAD, "/health", "*/*").await.status(), StatusCode::OK);
}

#[actix_web::test]
async fn browsers_get_a_page_and_others_get_json() {
    let response = get("/").await;
    assert_eq!(header(&response, "vary"), "accept");
    let about: Value = read_body_json(response).await;
    assert_eq!((&about["message"], &about["docs"]), (&"<Tea & talk>".into(), &"/docs".into()));

    let response = ask(Method::GET, "/", "text/html,application/xhtml+xml;q=0.9").await;
    assert!(header(&response, "content-type").starts_with("text/html"));
    assert!(header(&response, "content-security-policy").contains("default-src 'none'"));
    // The README's example is pasted into its console.
    assert!(header(&response, "content-security-policy").contains("connect-src 'self'"));
    let page = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(page.contains("<h1>&lt;Tea &amp; talk&gt;</h1>"));
    assert!(!page.contains("{app_name}") && !page.contains("{version}"));
}

#[actix_web::test]
async fn the_documentation_is_here() {
    let response = get("/docs").await;
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(header(&response, "location"), "docs/");
    for file in ["", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"] {
        assert_eq!(get(&format!("/docs/{file}")).await.status(), StatusCode::OK, "{file}");
    }
    let response = get("/docs/swagger-initializer.js").await;
    let script = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    assert!(script.contains("/openapi.json"), "{script}");
    assert_eq!(get("/redoc").await.status(), StatusCode::OK);
    let document: Value = read_body_json(get("/openapi.json").await).await;
    assert_eq!(document["openapi"], "3.1.0");
}

/// What names nothing is not there, whoever asks: no handler with a `Chat` is reached.
#[actix_web::test]
async fn a_name_that_cannot_be_is_not_there() {
    use super::InPath;
    use actix_web::FromRequest;
    use tertulia_domain::ChannelId;

    let request = TestRequest::default().param("channel", "general").to_http_request();
    let named = InPath::<ChannelId>::extract(&request).await;
    assert_eq!(named.err().map(|problem| problem.code), Some("not_found"));
}
