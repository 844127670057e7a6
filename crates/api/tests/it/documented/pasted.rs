//! Every operation of the OpenAPI document works as its example says, once ids, names and tokens are
//! put in.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};
use tertulia_chat::Options;

use crate::files::{PIXEL, a_form, an_image};
use crate::server::{Person, TestServer, text, unique};

/// What all examples have for a password.
const PASSWORD: &str = "correct horse battery staple";

/// Not called: a handshake has stories of its own, and the first admin there is only once.
const LEFT_OUT: [&str; 2] = ["connect", "claim_admin"];

/// What an operation is asked with.
struct Scene {
    who: Person,
    /// What stands for the parameters of a path, and for fields of a body.
    values: HashMap<&'static str, String>,
}

/// Somebody who owns a channel in which something was said, and runs the server.
async fn scene(server: &TestServer, root: &Person, bob: &Person, carol: &Person) -> Scene {
    let name = format!("owner{}", unique());
    let account = json!({ "username": name, "password": PASSWORD });
    let ann = server.person(&server.nobody().post("/auth/register", account).await.body);
    let path = format!("/admin/users/{}", ann.id);
    assert!(root.patch(&path, json!({ "role": "admin" })).await.status.is_success());
    let channel = ann.create_channel("general").await;
    bob.join(&channel).await;
    let message = text(&ann.say(&channel, "Hello").await["id"]);
    let file = text(&ann.upload("pixel.png", PIXEL).await["id"]);
    let invite = ann.post(&format!("/channels/{channel}/invites"), json!({})).await.body;
    let values = HashMap::from([
        ("username", name),
        ("channel", channel),
        ("message", message),
        ("user", bob.id.clone()),
        ("user_id", carol.id.clone()),
        ("recipient_id", bob.id.clone()),
        ("emoji", "👍".to_owned()),
        ("session", ann.session.clone()),
        ("refresh_token", ann.refresh_token.clone()),
        ("file", file),
        ("invite", text(&invite["id"])),
        ("code", text(&invite["code"])),
    ]);
    Scene { who: ann, values }
}

/// What some operations need besides.
async fn prepare(server: &TestServer, operation: &str, bob: &Person, scene: &mut Scene) {
    match operation {
        "register" | "create_user" => {
            scene.values.insert("username", format!("new{}", unique()));
        }
        "upgrade_guest" => {
            let guest = server.nobody().post("/auth/guest", json!({ "name": "Guest" })).await;
            scene.who = server.person(&guest.body);
            scene.values.insert("username", format!("new{}", unique()));
        }
        "accept_invitation" | "decline_invitation" => {
            let channel = bob.create_private("secret").await;
            let asked = json!({ "user_id": scene.who.id });
            bob.post(&format!("/channels/{channel}/invitations"), asked).await;
            scene.values.insert("channel", channel);
        }
        "set_owner" => {
            scene.values.insert("user_id", bob.id.clone());
        }
        // Who is disabled would be missed by the others.
        "update_user" => {
            scene.values.insert("user", server.user("dan").await.id);
        }
        "read_notification" => {
            let call = format!("@{}", scene.values["username"]);
            bob.say(&scene.values["channel"], &call).await;
            let told = scene.who.get("/notifications").await.body;
            scene.values.insert("notification", text(&told["items"][0]["id"]));
        }
        "leave_channel" => scene.who = bob.clone(),
        "unban_user" => scene.who.ban(&scene.values["channel"], bob).await,
        _ => {}
    }
}

/// The example of an operation's JSON body.
fn example(document: &Value, operation: &Value) -> Option<Value> {
    let body = operation["requestBody"]["content"].get("application/json")?;
    let mut schema = &body["schema"];
    loop {
        for said in [&body["example"], &schema["example"]] {
            if !said.is_null() {
                return Some(said.clone());
            }
        }
        let reference = schema["$ref"].as_str().or(schema["oneOf"][0]["$ref"].as_str());
        let reference = reference.unwrap_or_else(|| panic!("no example: {body}"));
        schema = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
}

/// Puts in what only whoever asks can know.
fn fill(value: &mut Value, values: &HashMap<&'static str, String>) {
    for (name, field) in value.as_object_mut().into_iter().flatten() {
        if let (Some(known), Value::String(text)) = (values.get(name.as_str()), field) {
            text.clone_from(known);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_works_as_its_example_says() {
    let server = TestServer::sqlite_with(Options { guests: true, ..Options::default() }).await;
    let (root, bob, carol) =
        (server.admin("root").await, server.user("bob").await, server.user("carol").await);
    let (kind, form) = an_image();
    let image = bob.request(Method::PUT, "/users/me/avatar").header("content-type", kind);
    assert!(bob.send(image.body(form)).await.status.is_success());
    let document = serde_json::to_value(tertulia_api::openapi()).unwrap();
    let mut wrong = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            if LEFT_OUT.contains(&id) {
                continue;
            }
            let mut scene = scene(&server, &root, &bob, &carol).await;
            prepare(&server, id, &bob, &mut scene).await;
            let mut asked = path.clone();
            for (name, value) in &scene.values {
                asked = asked.replace(&format!("{{{name}}}"), value);
            }
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let needed = parameters.filter(|it| it["in"] == "query" && it["required"] == true);
            for (at, parameter) in needed.enumerate() {
                let mark = if at == 0 { '?' } else { '&' };
                let (name, value) = (text(&parameter["name"]), text(&parameter["example"]));
                asked = format!("{asked}{mark}{name}={value}");
            }
            assert!(!asked.contains('{'), "{id}: what stands for the parameters of {path}?");
            let mut request =
                server.request(method.to_uppercase().parse::<Method>().unwrap(), &asked);
            if !path.contains("/auth/log") && !path.contains("/auth/register") || id == "log_out" {
                request = request.bearer_auth(scene.who.token.as_ref().unwrap());
            }
            if id == "upload_file" {
                let (kind, form) = a_form();
                request = request.header("content-type", kind).body(form);
            } else if id == "set_avatar" {
                let (kind, form) = an_image();
                request = request.header("content-type", kind).body(form);
            } else if let Some(mut body) = example(&document, operation) {
                fill(&mut body, &scene.values);
                request = request.json(&body);
            }
            let answer = scene.who.send(request).await;
            if !answer.status.is_success() {
                wrong.push(format!("{id}: {} {}", answer.status, answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop().await;
}
