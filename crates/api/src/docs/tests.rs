use std::collections::BTreeSet;

use serde_json::Value;

use super::openapi;
use crate::fields::{Fields, Input};
use crate::routes::{OPERATIONS, inputs};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn document() -> Value {
    serde_json::to_value(openapi()).unwrap()
}

/// Every operation, as `get /path`, with what the document says of it.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                operations.push((format!("{method} {path}"), operation));
            }
        }
    }
    operations
}

/// All schemas of what a client sends with an operation, with where they stand.
fn input_schemas(operation: &Value) -> Vec<(String, &Value)> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|it| (it["name"].to_string(), &it["schema"]));
    let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
    parameters.chain(bodies.map(|(kind, body)| (kind.clone(), &body["schema"]))).collect()
}

/// Notes every string, list and number under `schema` that has no bound.
fn unbounded(document: &Value, place: &str, schema: &Value, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return unbounded(document, place, schema, found);
    }
    let has = |name: &str| schema.get(name).is_some();
    let is = |name: &str| match &schema["type"] {
        Value::String(kind) => kind == name,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    };
    let fixed = has("enum") || schema["format"] == "uuid";
    let bounded = (!is("string") || fixed || has("maxLength"))
        && (!is("array") || has("maxItems"))
        && (!is("integer") || (has("minimum") && has("maximum")))
        && !is("number")
        && (!is("object") || schema["additionalProperties"] == false || place.contains("form"));
    let known = has("type") || has("oneOf") || has("allOf") || has("anyOf");
    if !bounded || !known {
        found.push(place.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        unbounded(document, &format!("{place}.{name}"), property, found);
    }
    if has("items") {
        unbounded(document, &format!("{place}[]"), &schema["items"], found);
    }
    for choice in ["oneOf", "allOf", "anyOf"] {
        for part in schema[choice].as_array().into_iter().flatten() {
            if part["type"] != "null" {
                unbounded(document, place, part, found);
            }
        }
    }
}

#[test]
fn everything_that_a_client_sends_has_a_bound() {
    let document = document();
    let mut found = Vec::new();
    for (name, operation) in operations(&document) {
        for (place, schema) in input_schemas(operation) {
            unbounded(&document, &format!("{name} {place}"), schema, &mut found);
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn every_operation_says_who_may_call_it_and_what_can_go_wrong() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(!document["security"].as_array().unwrap().is_empty());
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let text = |field: &str| operation[field].as_str().unwrap_or_default().to_owned();
        for field in ["operationId", "summary", "description"] {
            assert!(!text(field).is_empty(), "{name} has no {field}");
        }
        assert!(ids.insert(text("operationId")), "{name}: its operationId is taken");
        assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{name}");
        let responses = operation["responses"].as_object().unwrap();
        let has = |status: &str| responses.contains_key(status);
        if operation["tags"][0] != "server" {
            assert!(responses.keys().any(|status| status.starts_with('4')), "{name} has no 4xx");
            assert!(has("503"), "{name} never fails");
        }
        // Operations for everybody say so; to all others the document's own requirement applies.
        let open = operation["security"].as_array().is_some_and(|all| {
            all.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty))
        });
        assert!(open || has("401"), "{name} needs a 401");
        let body = operation.get("requestBody").is_some();
        assert_eq!(body, has("413"), "{name}");
        // Of a parameter of the query that there is not, if nothing else; pages and probes take all.
        let takes_all = ["get /", "get /health", "get /ready"].contains(&name.as_str());
        assert_eq!(!takes_all, has("422"), "{name}");
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('4')) {
            let schema = &response["content"]["application/problem+json"]["schema"];
            assert_eq!(schema["$ref"], "#/components/schemas/Problem", "{name} {status}");
        }
    }
}

#[test]
fn what_is_documented_is_what_is_there() {
    let document = document();
    let documented: BTreeSet<String> =
        operations(&document).into_iter().map(|(name, _)| name).collect();
    let registered = OPERATIONS.iter().map(|(method, path)| format!("{method} {path}"));
    let registered: BTreeSet<String> = registered.chain(["get /api/v1/ws".to_owned()]).collect();
    assert_eq!(documented, registered);
}

#[test]
fn all_references_lead_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn examples_work_when_pasted() {
    fn works<T: Input + utoipa::PartialSchema>() {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let example = schema["example"].as_object().unwrap().clone();
        assert!(Fields::of_object(example).read::<T>().is_ok(), "{schema}");
    }
    works::<inputs::NewAccount>();
    works::<inputs::Credentials>();
    works::<inputs::RefreshToken>();
    works::<inputs::AccountEdit>();
    works::<inputs::AccountEnd>();
    works::<inputs::EmailChange>();
    works::<inputs::PasswordChange>();
    works::<inputs::NewGuest>();
    works::<inputs::SigningUp>();
    works::<inputs::UserOrder>();
    works::<inputs::NewChannel>();
    works::<inputs::ChannelEdit>();
    works::<inputs::NewMember>();
    works::<inputs::NewRole>();
    works::<inputs::NewOwner>();
    works::<inputs::NewMute>();
    works::<inputs::NewBan>();
    works::<inputs::NewInvite>();
    works::<inputs::Invited>();
    works::<inputs::Place>();
    works::<inputs::NewStatus>();
    works::<inputs::NewSetting>();
    works::<inputs::UpTo>();
    works::<inputs::NewMessage>();
    works::<inputs::NewDraft>();
    works::<inputs::MessageEdit>();
}

#[test]
fn an_edit_changes_something() {
    let document = document();
    for name in ["AccountEdit", "ChannelEdit"] {
        assert_eq!(document["components"]["schemas"][name]["minProperties"], 1, "{name}");
    }
}

#[test]
fn the_committed_document_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let served = crate::openapi().to_pretty_json().unwrap();
    assert_eq!(committed.trim_end(), served, "`just openapi` writes docs/openapi.json anew");
}
