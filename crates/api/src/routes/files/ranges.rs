//! Which part of a file a client wants: RFC 9110, sections 13 and 14.

use std::ops::Range;

use actix_web::http::header::{self, HeaderMap};

/// What a client wants of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The whole.
    All,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that it has not.
    Nothing,
}

/// Whether the client holds what this tag names.
pub(super) fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    // This comparison is the weak one, in which `W/` does not count.
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|other| other == "*" || other.strip_prefix("W/").unwrap_or(other) == tag)
}

/// What the headers ask of a file of this size. Several ranges, and what is no range of bytes, are
/// as none: a server may answer with the whole.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, size: u64) -> Wanted {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::All;
    };
    // A part of something else is of no use. Files have no date, so no date matches.
    if headers.get(header::IF_RANGE).is_some_and(|held| held.as_bytes() != tag.as_bytes()) {
        return Wanted::All;
    }
    let range = range.trim();
    let unit = range.get(..6).filter(|unit| unit.eq_ignore_ascii_case("bytes="));
    let Some(spec) = unit.and_then(|unit| range.get(unit.len()..)) else { return Wanted::All };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::All };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is beyond all numbers is beyond every file.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(length)) if first.is_empty() => (size.saturating_sub(length), size),
        _ => return Wanted::All,
    };
    if start < end { Wanted::Part(start..end) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Wanted {
        let mut request = TestRequest::default().insert_header(("range", range));
        if let Some(tag) = if_range {
            request = request.insert_header(("if-range", tag));
        }
        wanted(request.to_http_request().headers(), "\"a\"", 100)
    }

    #[test]
    fn one_range_of_bytes_is_understood() {
        for (range, part) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=0-99", Wanted::Part(0..100)),
            ("Bytes=10-", Wanted::Part(10..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=50-1000", Wanted::Part(50..100)),
            ("bytes=99-99999999999999999999999", Wanted::Part(99..100)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=100-200", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=2-1", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("é", Wanted::All),
        ] {
            assert_eq!(asked(range, None), part, "{range}");
        }
    }

    #[test]
    fn a_part_of_something_else_is_not_given() {
        assert_eq!(asked("bytes=1-2", Some("\"a\"")), Wanted::Part(1..3));
        for other in ["\"b\"", "W/\"a\"", "Sat, 21 Nov 2026 09:30:00 GMT"] {
            assert_eq!(asked("bytes=1-2", Some(other)), Wanted::All, "{other}");
        }
    }

    #[test]
    fn what_is_held_is_known_by_its_tag() {
        let held = |value: &str| {
            let request = TestRequest::default().insert_header(("if-none-match", value));
            is_held(request.to_http_request().headers(), "\"a\"")
        };
        assert!(held("\"a\"") && held("W/\"a\"") && held("\"b\", \"a\"") && held("*"));
        assert!(!held("\"b\"") && !held("a") && !held(""));
    }
}
