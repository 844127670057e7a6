//! The `ref` of a frame that cannot be read as JSON: its sender learns which one it was.

use serde_json::Value;

use super::is_reference;

/// The `ref` of the object that `text` seems to be, if there is one that can be told, and null
/// otherwise. Looks at each byte twice at most, and goes into nothing, however deep.
pub(super) fn reference(text: &str) -> Value {
    let mut found = None;
    for (name, value) in members(text) {
        if !serde_json::from_str::<String>(name).is_ok_and(|name| name == "ref") {
            continue;
        }
        let value = serde_json::from_str(value).ok().filter(is_reference);
        // Which of two counts is anybody's guess.
        if found.replace(value).is_some() {
            return Value::Null;
        }
    }
    found.flatten().unwrap_or_default()
}

/// The members of the outermost object as they are written, as far as they can be told apart.
fn members(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let text = text.trim_ascii();
    let mut rest = text.strip_prefix('{');
    std::iter::from_fn(move || {
        let member = rest?;
        let end = end_of_member(member);
        rest = member[end..].strip_prefix(',');
        let member = member[..end].trim_ascii();
        let name = member.strip_prefix('"').and_then(|rest| member.get(..2 + rest.find('"')?));
        let value = name.and_then(|name| member[name.len()..].trim_ascii_start().strip_prefix(':'));
        Some((name.unwrap_or_default(), value.unwrap_or_default().trim_ascii()))
    })
}

/// Where the comma after a member is, or the brace after the last; or the end, if there is none.
fn end_of_member(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => return at,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reference_is_found_around_what_cannot_be_read() {
        let deep = "[".repeat(60_000);
        for (text, expected) in [
            (r#"{"ref":"r","type":"ping","a":"\ud800"}"#, json!("r")),
            (r#" { "a" : "\ud800" , "ref" : 7 } "#, json!(7)),
            (r#"{"\u0072ef":"r","a":"\ud800"}"#, json!("r")),
            (r#"{"a":"\",\"ref\":1","ref":"\u00e9"}"#, json!("\u{e9}")),
            (r#"{"a":{"ref":"inner"},"b":[{"ref":1}],"ref":"outer""#, json!("outer")),
            (&format!(r#"{{"ref":"r","a":{deep}"#), json!("r")),
            (&format!(r#"{{"a":{}{},"ref":"r"}}"#, deep, "]".repeat(60_000)), json!("r")),
            // Nothing that could be told, or that may be one.
            (&format!(r#"{{"a":{deep},"ref":"r"}}"#), Value::Null),
            (&format!(r#"{{"ref":{deep}}}"#), Value::Null),
            (r#"{"ref":"\ud800"}"#, Value::Null),
            (r#"{"ref":"a","ref":"b"}"#, Value::Null),
            (r#"{"ref":{"a":1},}"#, Value::Null),
            (r#"["ref","r"]"#, Value::Null),
            (r#"{"ref"}"#, Value::Null),
            ("{", Value::Null),
            ("", Value::Null),
        ] {
            assert_eq!(reference(text), expected, "{text:.80}");
        }
    }

    #[test]
    fn nothing_is_too_odd_to_be_looked_at() {
        let odd = r#" {"a\"é":{"b":[1,"\\"]},"ref" : "\u00e9","c":]}{,"ref":2},"#;
        for (end, _) in odd.char_indices() {
            for (start, _) in odd[..end].char_indices() {
                assert!(is_reference(&reference(&odd[start..end])));
            }
        }
    }
}
