//! Single values: numbers, switches, lists, names.

use std::ops::RangeInclusive;
use std::str::FromStr;

use ipnet::IpNet;
use std::net::IpAddr;

/// A whole number within `range`.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl FnOnce(&str) -> Result<T, String>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    move |text| {
        text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
            format!("a whole number from {} to {} is wanted", range.start(), range.end())
        })
    }
}

/// `true`/`false` in any of the usual spellings.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err("on or off is wanted (or true/false, yes/no, 1/0)"),
    }
}

/// Whether anybody may register.
pub(super) fn registration(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "open" => Ok(true),
        "closed" => Ok(false),
        _ => Err("open or closed is wanted"),
    }
}

/// Whether guests are let in; `None` is `auto`.
pub(super) fn guests(text: &str) -> Result<Option<bool>, &'static str> {
    if text.eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    switch(text).map(Some).map_err(|_| "auto, on or off is wanted")
}

/// Texts with commas between them, or a JSON list of texts; empty ones are left out.
pub(super) fn list(text: &str) -> Result<Vec<String>, &'static str> {
    let items: Vec<String> = if text.starts_with('[') {
        serde_json::from_str(text).map_err(|_| "this is not a JSON list of texts")?
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    let trimmed = items.iter().map(|item| item.trim()).filter(|item| !item.is_empty());
    Ok(trimmed.map(str::to_owned).collect())
}

/// An IP address (an IPv6 one also in brackets) or a host name; without scheme and port.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if bare.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.chars().all(name)) {
        Ok(bare.to_owned())
    } else {
        Err("an IP address or a host name is wanted, without scheme and port")
    }
}

/// A list of addresses and CIDR ranges.
pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let parse = |item: String| {
        let network = item.parse::<IpNet>().ok();
        let network = network.or_else(|| item.parse::<IpAddr>().ok().map(IpNet::from));
        network.ok_or_else(|| format!("{item:?} is not an address or a range like 10.0.0.0/8"))
    };
    list(text)?.into_iter().map(parse).collect()
}

/// A name of at most 64 characters.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    match text.chars().count() {
        1..=64 => Ok(text.to_owned()),
        _ => Err("at most 64 characters are wanted"),
    }
}

/// The one signature algorithm that there is.
pub(super) fn algorithm(text: &str) -> Result<(), &'static str> {
    if text == "HS256" { Ok(()) } else { Err("access tokens are signed with HS256 only") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_have_pythons_spelling_too() {
        for (text, on) in
            [("True", true), ("False", false), ("1", true), ("0", false), ("OFF", false)]
        {
            assert_eq!(switch(text), Ok(on), "{text}");
        }
        assert!(switch("maybe").is_err());
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let minutes = |text| number(1_u32..=1440)(text);
        assert_eq!((minutes("1"), minutes("1440")), (Ok(1), Ok(1440)));
        for text in ["0", "1441", "-1", "1.5", "15m", "99999999999999"] {
            assert_eq!(minutes(text), Err("a whole number from 1 to 1440 is wanted".to_owned()));
        }
    }

    #[test]
    fn lists_are_commas_or_json() {
        let both = Ok(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(list("a, b,"), both);
        assert_eq!(list(r#"["a", "b"]"#), both);
        assert_eq!(list("[]"), Ok(Vec::new()));
        assert!(list("[a]").is_err() && list("[1]").is_err() && list(r#"["a"] b"#).is_err());
    }

    #[test]
    fn hosts_have_no_scheme_and_no_port() {
        for (text, value) in
            [("0.0.0.0", "0.0.0.0"), ("[::1]", "::1"), ("::", "::"), ("localhost", "localhost")]
        {
            assert_eq!(host(text).as_deref(), Ok(value));
        }
        for text in
            ["http://localhost", "localhost:8000", "127.0.0.1:80", "*", "a b", "[localhost]"]
        {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks_are_addresses_and_ranges() {
        let nets = networks("10.0.0.0/8, 192.168.1.1,::1").unwrap();
        assert_eq!(
            nets.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/8", "192.168.1.1/32", "::1/128"]
        );
        assert_eq!(
            networks("10.0.0.0/33"),
            Err("\"10.0.0.0/33\" is not an address or a range like 10.0.0.0/8".to_owned())
        );
    }
}
