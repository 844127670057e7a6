//! How often each emoji stands at one message, as a client knows it: read off frames by scanning, as
//! all that comes often.

use memchr::memmem;
use std::collections::BTreeMap;

/// The counts that a client holds, each with the rev that it is of.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tallies(BTreeMap<String, (u64, u64)>);

impl Tallies {
    /// Takes a frame, live or of a delta. One that tells of no reactions changes nothing.
    pub(crate) fn take(&mut self, rev: u64, text: &[u8]) {
        for (emoji, count) in counts(text) {
            let held = self.0.entry(emoji.to_owned()).or_default();
            if held.0 < rev {
                *held = (rev, count);
            }
        }
    }

    /// The emoji that stand there, and how often.
    pub(crate) fn standing(&self) -> BTreeMap<&str, u64> {
        let held = self.0.iter().map(|(emoji, (_, count))| (emoji.as_str(), *count));
        held.filter(|(_, count)| *count > 0).collect()
    }
}

/// What stands in the list called `reactions`.
fn counts(text: &[u8]) -> impl Iterator<Item = (&str, u64)> {
    const LIST: &[u8] = b"\"reactions\":[";
    let list = memmem::find(text, LIST).map(|at| &text[at + LIST.len()..]).unwrap_or_default();
    let end = list.iter().position(|byte| *byte == b']').unwrap_or(list.len());
    let entries = list[..end].split(|byte| *byte == b'}');
    entries.filter_map(|entry| Some((emoji(entry)?, count(entry)?)))
}

fn after<'a>(entry: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    Some(&entry[memmem::find(entry, key)? + key.len()..])
}

fn emoji(entry: &[u8]) -> Option<&str> {
    let rest = after(entry, b"\"emoji\":\"")?;
    std::str::from_utf8(rest.split(|byte| *byte == b'"').next()?).ok()
}

fn count(entry: &[u8]) -> Option<u64> {
    let rest = after(entry, b"\"count\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_count_of_each_emoji_stands() {
        let mut tallies = Tallies::default();
        let frame = r#"{"reactions":[{"emoji":"👍","count":2},{"emoji":"🎉","count":1}],"by":[{"emoji":"❤️"}]}"#;
        tallies.take(5, frame.as_bytes());
        tallies.take(4, r#"{"reactions":[{"emoji":"👍","count":9}]}"#.as_bytes());
        tallies.take(6, r#"{"reactions":[{"count":0,"emoji":"🎉"}]}"#.as_bytes());
        tallies.take(7, br#"{"message":{"seq":1}}"#);
        assert_eq!(tallies.standing(), BTreeMap::from([("👍", 2)]));
    }
}
