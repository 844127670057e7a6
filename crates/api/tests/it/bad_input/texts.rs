//! Texts that hide, overlap, turn around or never end: messages and descriptions keep what people
//! write, names do not.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Target, check};
use crate::on_both;
use crate::server::{Answer, PASSWORD, TestServer};

/// What each field says to a text: nothing where it is taken as it is, or the code of the fault.
struct Row {
    what: &'static str,
    text: String,
    username: &'static str,
    /// Of a display name and of a channel's name.
    name: &'static str,
    /// Of a bio and of a description.
    paragraph: &'static str,
    message: &'static str,
    password: &'static str,
}

fn row(what: &'static str, text: impl Into<String>, verdicts: [&'static str; 5]) -> Row {
    let [username, name, paragraph, message, password] = verdicts;
    Row { what, text: text.into(), username, name, paragraph, message, password }
}

const BAD: &str = "bad_character";

#[rustfmt::skip]
fn table() -> Vec<Row> {
    let marks = |count: usize| format!("ab{}", "\u{34f}\u{301}".repeat(count / 2));
    vec![
        //                                          username     name           paragraph        message          password
        row("letters",           "right enough",       [BAD,        "",            "",              "",              ""]),
        row("right-to-left",     "שלום-مرحبا",         ["",         "",            "",              "",              ""]),
        row("an emoji",          "👩‍👩‍👧 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿",          [BAD,        "",            "",              "",              ""]),
        row("a family",          "ab👩‍👩‍👧cdefg",         [BAD,        "",            "",              "",              ""]),
        row("markup",            "<img src=x onerror=alert(1)>", [BAD, "",          "",              "",              ""]),
        row("SQL",               "'; drop table users; --", [BAD,   "",            "",              "",              ""]),
        row("a format",          "{0} %s %n ${7*7}",   [BAD,        "",            "",              "",              ""]),
        row("a NUL",             "nul\0nul\0nul",      [BAD,        BAD,           BAD,             BAD,             BAD]),
        row("only NUL",          "\0\0\0\0\0\0\0\0",   [BAD,        BAD,           BAD,             BAD,             BAD]),
        row("a line break",      "one\ntwo three",     [BAD,        BAD,           "",              "",              ""]),
        row("an escape",         "one\u{1b}[2Jtwo",    [BAD,        BAD,           "",              "",              ""]),
        row("an override",       "evil\u{202e}txt.exe",[BAD,        BAD,           "",              "",              ""]),
        row("an isolate",        "a\u{2066}bcdefgh\u{2069}", [BAD,  BAD,           "",              "",              ""]),
        row("zero width",        "an\u{200b}nnnnnn",   [BAD,        BAD,           "",              "",              ""]),
        row("a joiner in a name","an\u{200d}nnnnnn",   [BAD,        "",            "",              "",              ""]),
        row("a byte order mark", "\u{feff}annnnnnn",   [BAD,        BAD,           "",              "",              ""]),
        row("a soft hyphen",     "an\u{ad}nnnnnnn",    [BAD,        BAD,           "",              "",              ""]),
        row("tags",              "ann\u{e0041}\u{e0042}nnnn", [BAD, BAD,           "",              "",              ""]),
        row("tags on a face",    "ann😀\u{e0067}\u{e0062}\u{e0065}\u{e007f}", [BAD, BAD, "",         "",              ""]),
        row("only zero widths",  "\u{200b}".repeat(8), [BAD,       BAD,           "",              "blank",         ""]),
        row("only joiners",      "\u{200d}".repeat(8), [BAD,       "blank",       "",              "blank",         ""]),
        row("only fillers",      "\u{3164}".repeat(8), [BAD,       BAD,           "",              "blank",         ""]),
        row("a noncharacter",    "ann\u{ffff}nnnnn",   [BAD,        "",            "",              "",              ""]),
        row("30 marks",          marks(30),            ["",         "",            "",              "",              ""]),
        row("50 marks",          marks(50),            ["too_long", "too_many_marks", "too_many_marks", "too_many_marks", ""]),
        row("200 marks",         marks(200),           ["too_long", "too_long",    "too_many_marks", "too_many_marks", ""]),
        row("white space",       " \t\u{3000}\u{a0}\n     ", [BAD,  "too_short",   "",              "blank",         ""]),
        row("nothing",           "",                   ["too_short","too_short",   "",              "too_short",     "too_short"]),
        row("what grows",        "\u{fdfa}".repeat(10),["too_long", "",            "",              "",              ""]),
        row("a path",            "../../etc/passwd",   [BAD,        "",            "",              "",              ""]),
        row("100,000 letters",   "a".repeat(100_000),  ["too_long", "too_long",    "too_long",      "too_long",      "too_long"]),
    ]
}

on_both! {
    alone "what is wrong is refused before it comes to what nodes share",
    async fn every_text_is_kept_as_it_is_or_refused_with_a_reason(server: TestServer) {
        let target = Target::of(server).await;
        for row in table() {
            profile(&target, &row).await;
            channel(&target, &row).await;
            message(&target, &row).await;
            account(server, &row).await;
        }
    }
}

async fn profile(target: &Target, row: &Row) {
    let ask = async |body| target.ann.patch("/users/me", body).await;
    judge(&ask(json!({ "display_name": row.text })).await, row, "display_name", row.name);
    judge(&ask(json!({ "bio": row.text })).await, row, "bio", row.paragraph);
}

async fn channel(target: &Target, row: &Row) {
    let path = format!("/channels/{}", target.channel);
    let named = json!({ "name": row.text });
    judge(&target.ann.post("/channels", named.clone()).await, row, "name", row.name);
    judge(&target.ann.patch(&path, named).await, row, "name", row.name);
    let described = json!({ "name": "x", "description": row.text });
    judge(&target.ann.post("/channels", described).await, row, "description", row.paragraph);
    let described = json!({ "description": row.text });
    judge(&target.ann.patch(&path, described).await, row, "description", row.paragraph);
}

async fn message(target: &Target, row: &Row) {
    let path = format!("/channels/{}/messages", target.channel);
    let body = json!({ "content": row.text });
    judge(&target.ann.post(&path, body.clone()).await, row, "content", row.message);
    let path = format!("/messages/{}", target.message);
    let answer = target.ann.patch(&path, body).await;
    judge(&answer, row, "content", row.message);
    if answer.status.is_success() {
        let read = target.ann.get(&path).await;
        assert_eq!(read.body["content"], row.text, "{}: it stays so", row.what);
    }
}

async fn account(server: &TestServer, row: &Row) {
    let nobody = server.nobody();
    let register = async |body| nobody.post("/auth/register", body).await;
    let name = format!("n{}", crate::server::unique());
    // The other field is bad, so that no account is made by half of the table.
    let body = json!({ "username": row.text, "password": "short" });
    let answer = register(body).await;
    let faults = answer.faults();
    let fault = faults.iter().find(|(field, _)| field == "username").map_or("", |(_, code)| code);
    assert_eq!(fault, row.username, "username: {}", row.what);
    judge_only(
        &register(json!({ "username": name, "password": row.text })).await,
        row,
        "password",
        row.password,
    );

    let address = json!({ "username": name, "password": PASSWORD, "email": row.text });
    let answer = check(&register(address).await, row.what).body.clone();
    assert_eq!(answer["errors"][0]["field"], "email", "none of these is an address: {answer}");

    // Whatever the text is, it is only wrong, or it is bad in a way that is said.
    for body in [
        json!({ "username": row.text, "password": "x" }),
        json!({ "username": "ann", "password": row.text }),
    ] {
        let request = nobody.request(Method::POST, "/auth/login").json(&body);
        let answer = nobody.send(request).await;
        let status = check(&answer, row.what).status.as_u16();
        assert!(status == 401 || status == 422, "{}: {}", row.what, answer.body);
    }
}

/// Checks that a text is kept as it is (names without the white space around them), or refused with
/// this code and no other.
fn judge(answer: &Answer, row: &Row, field: &str, verdict: &str) {
    judge_only(answer, row, field, verdict);
    if verdict.is_empty() {
        assert_eq!(answer.body[field], Value::from(row.text.as_str()), "{field}: {}", row.what);
    }
}

fn judge_only(answer: &Answer, row: &Row, field: &str, verdict: &str) {
    check(answer, row.what);
    let faults = answer.faults();
    let expected: Vec<_> = match verdict {
        "" => vec![],
        code => vec![(field.to_owned(), code.to_owned())],
    };
    assert_eq!(faults, expected, "{field}: {}: {}", row.what, answer.body);
    assert_eq!(answer.status.is_success(), verdict.is_empty(), "{field}: {}", row.what);
}
