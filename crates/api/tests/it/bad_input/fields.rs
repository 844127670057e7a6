//! Fields that are missing, unknown, too long, or of another type.

use serde_json::{Map, Value, json};

use super::operations::{Kind, Operation, with_bodies};
use super::{Target, refused};
use crate::on_both;
use crate::server::Answer;

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn every_field_of_another_type_is_named(server: TestServer) {
        let target = Target::of(server).await;
        let values = [
            json!(true), json!(0), json!(-1.5), json!(1e300), json!(u64::MAX), json!({}),
            json!({ "$gt": "" }), json!([]), json!([null]), json!([[]]), json!([{}]), json!([7]),
        ];
        for operation in with_bodies() {
            for value in &values {
                let good = |kind| match kind {
                    Kind::Ids(_) => *value == json!([]),
                    Kind::Switch => *value == json!(true),
                    Kind::Number => *value == json!(0),
                    _ => false,
                };
                let bad = operation.fields.iter().filter(|field| !good(field.kind));
                let names: Vec<&str> = bad.map(|field| field.name.as_str()).collect();
                let body: Map<_, _> = names.iter().map(|name| ((*name).to_owned(), value.clone())).collect();
                let answer = target.ask(server, &operation, &body.into()).await;
                let asked = format!("{} {value}", operation.name());
                refused(&answer, &asked, 422, "invalid");
                for name in names {
                    let item = format!("{name}.0");
                    let said = answer.faults().iter().any(|(field, code)| {
                        (*field == name || *field == item) && code == "wrong_type"
                    });
                    assert!(said, "{asked}: {name} in {}", answer.body);
                }
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn every_missing_field_is_named_and_null_is_missing(server: TestServer) {
        let target = Target::of(server).await;
        for operation in with_bodies() {
            let nulls = operation.fields.iter().map(|field| (field.name.clone(), Value::Null));
            let nulls: Map<_, _> = nulls.collect();
            if operation.lenient {
                continue;
            }
            for body in [json!({}), nulls.into()] {
                let answer = target.ask(server, &operation, &body).await;
                refused(&answer, &operation.name(), 422, "invalid");
                assert!(!answer.faults().is_empty(), "{}", answer.body);
                for field in operation.fields.iter().filter(|field| field.required) {
                    assert!(names(&answer, &field.name, "missing"), "{}: {}", operation.name(), answer.body);
                }
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn unknown_fields_are_named_but_not_without_end(server: TestServer) {
        let target = Target::of(server).await;
        let long = "long ".repeat(1000);
        for operation in with_bodies() {
            let known = |name: &&str| operation.fields.iter().any(|field| field.name == **name);
            for name in [
                "admin", "role", "", "__proto__", "constructor", "ID", "author_id", "\u{202e}x",
                "a\nb", "a\0b",
            ].into_iter().filter(|name| !known(name)) {
                let answer = target.ask(server, &operation, &json!({ name: "x" })).await;
                let asked = format!("{} {name:?}", operation.name());
                refused(&answer, &asked, 422, "invalid");
                assert!(names(&answer, name, "unknown_field"), "{asked}: {}", answer.body);
            }
            let name = |n| format!("{n} {long}")[..20].to_owned();
            let many: Map<_, _> = (0..5000).map(|n| (name(n), json!(n))).collect();
            for body in [Value::Object(many), json!({ long.as_str(): 1 })] {
                let answer = target.ask(server, &operation, &body).await;
                refused(&answer, &operation.name(), 422, "invalid");
                assert!(answer.body.to_string().len() < 2500, "{}", answer.body);
            }
        }
        target.is_untouched().await;
    }
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn no_text_is_longer_than_the_document_says(server: TestServer) {
        let target = Target::of(server).await;
        for operation in with_bodies() {
            for field in &operation.fields {
                let (bad, code) = match field.kind {
                    Kind::Text(max) => {
                        (vec![json!("é".repeat(max + 1)), json!("a".repeat(200_000))], "too_long")
                    }
                    Kind::Ids(max) => {
                        (vec![json!(vec!["x"; max + 1]), json!(vec!["x"; 20_000])], "too_long")
                    }
                    Kind::Id => (ids(), "bad_id"),
                    Kind::Word => {
                        let words = ["", "PUBLIC", "direct", "group", "public "];
                        (words.map(|word| json!(word)).into(), "unknown_kind")
                    }
                    Kind::Number => (vec![json!(-1), json!(1_000_000_000)], "out_of_range"),
                    Kind::Time => {
                        let long = "2099-11-21T09:30:00Z".repeat(10_000);
                        let times = ["", "now", "2099", "2099-13-01T00:00:00Z", "2099-11-21 9:30", &long];
                        (times.map(|time| json!(time)).into(), "bad_time")
                    }
                    Kind::Switch => (vec![json!("true"), json!("on")], "wrong_type"),
                };
                for value in bad {
                    refuses_value(&target, server, &operation, &field.name, &value, code).await;
                }
                if let Kind::Ids(_) = field.kind {
                    for value in ids() {
                        let body = json!({ field.name.as_str(): [value] });
                        let answer = target.ask(server, &operation, &body).await;
                        assert!(names(&answer, &format!("{}.0", field.name), "bad_id"), "{}", answer.body);
                    }
                }
            }
        }
        target.is_untouched().await;
    }
}

async fn refuses_value(
    target: &Target,
    server: &crate::server::TestServer,
    operation: &Operation,
    field: &str,
    value: &Value,
    code: &str,
) {
    let body = json!({ field: value });
    let answer = target.ask(server, operation, &body).await;
    let asked = format!("{} {field}", operation.name());
    refused(&answer, &asked, 422, "invalid");
    // An address has a bound, too, but what is too long may also be no address; it is no emoji
    // either; and what is no place may lie beyond the last one.
    let own = [
        ("email", "bad_email"),
        ("emoji", "bad_emoji"),
        ("seq", "not_there_yet"),
        ("status", "unknown_status"),
        ("level", "unknown_level"),
    ];
    let fitting = names(&answer, field, code)
        || own.iter().any(|(of, code)| *of == field && names(&answer, field, code));
    assert!(fitting, "{asked}: {}", answer.body);
}

/// Texts that are no ids.
fn ids() -> Vec<Value> {
    let long = "0".repeat(100_000);
    let texts = [
        "",
        "1",
        "null",
        "me",
        "../..",
        "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3",
        "019a9f3e7c5a7d3e8f215b0c7d1e2f3a0",
        "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3g",
        "' or 1=1 --",
        "019a9f3e-7c5a-7d3e-8f21-5b0c7d1e2f3a\0",
        &long,
    ];
    texts.map(|text| json!(text)).into()
}

fn names(answer: &Answer, field: &str, code: &str) -> bool {
    answer.faults().iter().any(|(named, why)| named == field && why == code)
}
