//! Who may do what: a table for all operations and one for all frames, every cell of which is asked
//! of a running server.

mod asked;
mod frames;
mod operations;
mod world;

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tertulia_chat::Options;

use self::operations::{NONE, Row, TABLE};
use self::world::{Place, Scene, Who, World};
use crate::files::{a_form, an_image};
use crate::on_both;
use crate::server::{Answer, Person, Setup, text};
use crate::socket::Socket;

#[test]
fn every_operation_has_a_row_for_each_kind_of_channel() {
    let document = serde_json::to_value(tertulia_api::openapi()).unwrap();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "put", "post", "delete", "options", "head", "patch", "trace"] {
            if item.get(method).is_some() {
                documented.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let in_table: BTreeSet<_> = TABLE.iter().map(|row| row.operation.to_owned()).collect();
    assert_eq!(in_table, documented, "left: rows; right: operations");

    for operation in in_table {
        let places: Vec<_> =
            TABLE.iter().filter(|row| row.operation == operation).map(|row| row.place).collect();
        if ["{channel}", "{message}", "{file}"].iter().any(|it| operation.contains(it)) {
            for place in Place::CHANNELS {
                assert!(places.contains(&place), "{operation} has no row for {place:?}");
            }
        }
    }
}

on_both! {
    alone "it is long, and whoever may is asked of the database alone",
    with Setup {
        options: Options { guests: true, ..Options::default() },
        ..Setup::default()
    },
    async fn every_cell_of_the_table_of_operations_is_true(server: TestServer) {
        let mut world = World::of(server).await;
        let mut wrong = Vec::new();
        for row in TABLE {
            let mut scene = row.scene(&world).await;
            for (who, expected) in Who::ALL.into_iter().zip(row.expected) {
                if expected == NONE {
                    continue;
                }
                let fault = ask(&world, row, &scene, who, expected).await.err();
                let cell = format!("{} in {:?}, {who:?}", row.operation, row.place);
                wrong.extend(fault.map(|why| format!("{cell}: {why}")));
                if (200..300).contains(&expected) && row.method() != "GET" {
                    scene = row.scene(&world).await;
                    if row.ends_account() {
                        world.sign_up_again(who).await;
                    }
                    if row.signs_out() && expected == 204 {
                        world.sign_in_again(who).await;
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Asks one cell of the table.
async fn ask(
    world: &World<'_>,
    row: &Row,
    scene: &Scene,
    who: Who,
    expected: u16,
) -> Result<(), String> {
    let path = row.path(world, scene, who);
    if expected == 101 || row.operation == "GET /api/v1/ws" {
        let headers = bearer(world.person(who));
        let opened = Socket::try_open(&world.server.base, &path, &headers).await;
        return same("status", &opened.err().unwrap_or(101), &expected);
    }
    let changes = row.method() != "GET" && row.place != Place::Nowhere;
    let before = if changes && expected >= 400 { Some(world.state(scene).await) } else { None };
    let body = row.body(world);
    let answer = request(world, row, who, &path, body.as_ref()).await;
    same("status", &answer.status.as_u16(), &expected)?;
    match expected {
        401 => same("problem", &answer.body, &problem(401, "Unauthorized", "unauthenticated"))?,
        403 => same("code", &answer.body["code"], &json!("forbidden"))?,
        404 => {
            same("problem", &answer.body, &problem(404, "Not Found", "not_found"))?;
            let nothing = request(world, row, who, &row.path_to_nothing(), body.as_ref()).await;
            same("what is not there", &visible(&nothing), &visible(&answer))?;
        }
        _ => {}
    }
    if let Some(before) = before {
        same("state after a refusal", &world.state(scene).await, &before)?;
    }
    Ok(())
}

async fn request(
    world: &World<'_>,
    row: &Row,
    who: Who,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let method = Method::from_bytes(row.method().as_bytes()).unwrap();
    let request = world.server.request(method, path);
    let request = match body {
        Some(body) => request.json(body),
        None if row.operation == "POST /api/v1/files" => {
            let (kind, form) = a_form();
            request.header("content-type", kind).body(form)
        }
        None if row.operation == "PUT /api/v1/users/me/avatar" => {
            let (kind, form) = an_image();
            request.header("content-type", kind).body(form)
        }
        None => request,
    };
    world.send(who, request).await
}

fn bearer(person: &Person) -> Vec<(&'static str, String)> {
    let token = person.token.as_ref();
    token.map(|token| ("authorization", format!("Bearer {token}"))).into_iter().collect()
}

/// All that the caller can see of an answer, but for what differs every time, or by worker.
fn visible(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let varies = ["date", "x-request-id", "access-control-expose-headers"];
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !varies.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (answer.status.as_u16(), headers, answer.body.clone())
}

fn problem(status: u16, title: &str, code: &str) -> Value {
    let detail = if status == 401 { "sign in first" } else { "not found" };
    json!({ "type": "about:blank", "title": title, "status": status, "code": code, "detail": detail })
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{what}: {got:?}, not {expected:?}")) }
}

on_both! {
    async fn lists_name_nothing_that_the_caller_may_not_know(server: TestServer) {
        let world = World::of(server).await;
        let hidden = [
            world.scene(Place::Private).await.channel,
            world.scene(Place::Group).await.channel,
            world.scene(Place::Direct).await.channel,
        ];
        let everything = async |who: Who, path: &str| {
            let answer = world.person(who).get(path).await;
            assert!(answer.status.is_success() && answer.body["next"].is_null(), "{}", answer.body);
            answer.body.to_string()
        };
        for path in ["/channels", "/users/me/channels", "/users", "/users/me/changes"] {
            for who in [Who::Stranger, Who::Former] {
                let list = everything(who, path).await;
                // That one was let in and out again is one's own to know.
                let told = path.ends_with("/changes") && who == Who::Former;
                for channel in &hidden {
                    assert!(told || !list.contains(channel), "{who:?} {path}: {list}");
                }
                assert!(!list.contains("\"email\"") && !list.contains("something"), "{list}");
            }
        }
        let own = world.person(Who::Member).get("/users/me/channels").await;
        let own: BTreeSet<_> = own.body["items"].as_array().unwrap().iter()
            .map(|own| text(&own["channel"]["id"])).collect();
        assert_eq!(own, hidden.into_iter().collect());
        let sessions = everything(Who::Stranger, "/auth/sessions").await;
        assert!(!sessions.contains(&world.fellow.session));
    }
}
