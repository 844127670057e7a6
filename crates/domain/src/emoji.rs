//! What people react with.

use serde::Serialize;

use crate::Fault;

/// An emoji of Unicode's recommended set (RGI, Unicode Technical Standard #51), fully qualified:
/// `❤` with and without its variation selector is one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Emoji(String);

impl Emoji {
    /// The most bytes that one has, with room for those to come.
    pub const MAX_BYTES: usize = 64;

    /// Parses one emoji, and nothing beside it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let known = if text.len() > Self::MAX_BYTES { None } else { emojis::get(text) };
        let known = known.ok_or(Fault::new("bad_emoji", "one emoji, such as 👍"))?;
        Ok(Self(known.as_str().to_owned()))
    }

    /// One that was parsed before it was stored, by this version or by another one, which may know
    /// more of them.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_is_one_however_it_is_written() {
        for (one, other) in [
            ("\u{2764}", "\u{2764}\u{FE0F}"),
            ("\u{263A}", "\u{263A}\u{FE0F}"),
            ("1\u{20E3}", "1\u{FE0F}\u{20E3}"),
            ("\u{1F3F3}\u{200D}\u{1F308}", "\u{1F3F3}\u{FE0F}\u{200D}\u{1F308}"),
        ] {
            assert_eq!(Emoji::parse(one).unwrap(), Emoji::parse(other).unwrap(), "{one}");
        }
        let parts = ["👍", "👍🏽", "👩‍👩‍👧", "👩🏿‍🚀", "🇩🇪", "🏴󠁧󠁢󠁷󠁬󠁳󠁿", "👩🏻‍❤️‍💋‍👨🏿", "#️⃣"];
        for emoji in parts {
            assert_eq!(Emoji::parse(emoji).unwrap().as_str(), emoji);
        }
    }

    #[test]
    fn what_is_not_one_emoji_is_refused() {
        for bad in [
            "",
            " ",
            "a",
            "1",
            "#",
            "+1",
            ":thumbsup:",
            "👍👍",
            "👍 ",
            " 👍",
            "👍a",
            "é",
            "漢",
            "\u{FE0F}",
            "\u{200D}",
            "👍\u{200D}",
            "\u{1F1E9}",
            "👍\0",
            "👍\u{FE0E}",
            "\u{1F44D}\u{301}",
            "<b>",
            "../x",
            &"👍".repeat(30),
            &"👩\u{200D}".repeat(20),
        ] {
            assert_eq!(Emoji::parse(bad).unwrap_err().code, "bad_emoji", "{bad:?}");
        }
    }
}
