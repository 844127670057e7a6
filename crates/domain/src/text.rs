//! Text that people write, as types that cannot hold a bad value.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

use self::visible::{is_filler, not_blank, printable};
use crate::Fault;

mod file_name;
mod visible;

pub use file_name::FileName;

/// The longest run of combining marks that is text and not vandalism: the Stream-Safe Text Format
/// of Unicode Standard Annex #15 allows as many.
const MAX_COMBINING_RUN: usize = 30;

macro_rules! text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }
    };
}

text! {
    /// A name to sign in and be mentioned by: 2–32 letters, digits, `_`, `.` or `-`, beginning
    /// with a letter or digit; normalised (NFKC), compared without case. `me` and
    /// `channel` are reserved.
    Username
}
text! {
    /// An e-mail address of at most 254 bytes (RFC 5321), compared without case.
    Email
}
text! {
    /// How a person is shown: 1–64 characters on one line, of which some can be seen.
    DisplayName
}
text! {
    /// What a person says of themselves: at most 500 characters.
    Bio
}
text! {
    /// A channel's name: 1–80 characters on one line. Names are not unique.
    ChannelName
}
text! {
    /// What a channel is for: at most 1000 characters.
    Description
}
text! {
    /// What is talked about in a channel now: at most 250 characters on one line.
    Topic
}
text! {
    /// Why somebody was banned: at most 500 characters.
    BanReason
}
text! {
    /// What somebody says of how they are: at most 100 characters on one line.
    StatusText
}
text! {
    /// What a message says, verbatim: 1–4000 characters of which some can be seen, no NUL, and no
    /// run of more than 30 combining marks.
    MessageBody
}
text! {
    /// What somebody has begun to write, verbatim: at most 4000 characters, maybe none, no NUL, and no
    /// run of more than 30 combining marks.
    DraftText
}

text! {
    /// What a client calls a request that it may send again: 1–64 visible ASCII characters, without
    /// `"` and `\`, which a text in a header would have to escape.
    IdempotencyKey
}

impl Username {
    /// Parses and normalises a name.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        // Bounded before normalising, which may make text longer.
        if text.len() > 256 {
            return Err(too_long(32));
        }
        let name: String = text.nfkc().collect();
        length(&name, 2, 32)?;
        if !name.starts_with(char::is_alphanumeric) {
            return Err(Fault::new("bad_character", "begins with a letter or a digit"));
        }
        let allowed =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-') || is_combining_mark(c);
        if !name.chars().all(allowed) || name.contains(is_filler) {
            return Err(Fault::new("bad_character", "only letters, digits, '_', '.' and '-'"));
        }
        combining(&name)?;
        if ["me", "channel"].iter().any(|word| name.eq_ignore_ascii_case(word)) {
            return Err(Fault::new("reserved", "this name is reserved"));
        }
        Ok(Self(name))
    }

    /// What is unique: the name without case.
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// What the name looks like (the skeleton of Unicode Technical Standard #39), without case:
    /// unique as well, so that nobody is taken for somebody else. It is taken of the name as it is
    /// shown, where `I` looks like `l`, and again without case, where `O` is as good as `o`.
    pub fn skeleton(&self) -> String {
        let shown: String = skeleton(&self.0).collect();
        skeleton(&shown.to_lowercase()).collect()
    }

    /// The key of any text, whether it could be a name or not: for looking one up.
    pub fn key_of(text: &str) -> String {
        text.nfkc().collect::<String>().to_lowercase().nfkc().collect()
    }
}

impl Email {
    /// Parses an address; its syntax only, not whether it receives mail.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let text = text.trim();
        if text.len() > 254 {
            return Err(Fault::new("too_long", "at most 254 bytes"));
        }
        printable(text)?;
        if !email_address::EmailAddress::is_valid(text) {
            return Err(Fault::new("bad_email", "an e-mail address such as ann@example.com"));
        }
        Ok(Self(text.to_owned()))
    }

    /// What is unique: the address without case.
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// The key of any text, whether it could be an address or not: for looking one up.
    pub fn key_of(text: &str) -> String {
        text.trim().to_lowercase()
    }
}

impl DisplayName {
    /// Parses a name, without the white space around it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        line(text, 64).map(Self)
    }
}

impl ChannelName {
    /// Parses a name, without the white space around it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        line(text, 80).map(Self)
    }

    /// What a search compares: the name, or the beginning of one, without case.
    pub fn key_of(text: &str) -> String {
        Username::key_of(text)
    }
}

impl IdempotencyKey {
    /// Parses a key.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if !(1..=64).contains(&text.len()) {
            return Err(Fault::new("bad_length", "1 to 64 characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
            let why = "only visible ASCII characters, and neither '\"' nor '\\' within";
            return Err(Fault::new("bad_character", why));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Bio {
    /// Parses a text, which may be empty.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        paragraph(text, 500).map(Self)
    }
}

impl Default for Description {
    /// Nothing.
    fn default() -> Self {
        Self(String::new())
    }
}

impl Description {
    /// Parses a text, which may be empty.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        paragraph(text, 1000).map(Self)
    }
}

impl Topic {
    /// Parses a text, without the white space around it; it may be empty.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() <= 1000 && text.trim().is_empty() {
            return Ok(Self(String::new()));
        }
        line(text, 250).map(Self)
    }
}

impl StatusText {
    /// Parses a text, without the white space around it; it may be empty.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() <= 400 && text.trim().is_empty() {
            return Ok(Self(String::new()));
        }
        line(text, 100).map(Self)
    }
}

impl BanReason {
    /// Parses a text, which may be empty.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        paragraph(text, 500).map(Self)
    }
}

impl Default for StatusText {
    /// None.
    fn default() -> Self {
        Self(String::new())
    }
}

impl Default for BanReason {
    /// None given.
    fn default() -> Self {
        Self(String::new())
    }
}

impl MessageBody {
    /// The most characters (Unicode scalar values) a message may have.
    pub const MAX_CHARS: usize = 4000;

    /// Parses a message's text and keeps it as it is.
    pub fn parse(text: String) -> Result<Self, Fault> {
        length(&text, 1, Self::MAX_CHARS)?;
        no_nul(&text)?;
        not_blank(&text)?;
        combining(&text)?;
        Ok(Self(text))
    }
}

impl DraftText {
    /// Parses a text, which may be empty, and keeps it as it is.
    pub fn parse(text: String) -> Result<Self, Fault> {
        length(&text, 0, MessageBody::MAX_CHARS)?;
        no_nul(&text)?;
        combining(&text)?;
        Ok(Self(text))
    }
}

impl Default for DraftText {
    /// Nothing.
    fn default() -> Self {
        Self(String::new())
    }
}

/// A new password: 8–256 characters, no composition rules (NIST SP 800-63B). Log-in applies none of
/// this. Never shown, not even by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword(String);

impl NewPassword {
    /// Parses a password and keeps it as it is.
    pub fn parse(text: String) -> Result<Self, Fault> {
        length(&text, 8, 256)?;
        no_nul(&text)?;
        Ok(Self(text))
    }

    /// The password itself, for hashing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

fn line(text: &str, max: usize) -> Result<String, Fault> {
    let text = text.trim();
    length(text, 1, max)?;
    printable(text)?;
    not_blank(text)?;
    combining(text)?;
    Ok(text.to_owned())
}

fn paragraph(text: &str, max: usize) -> Result<String, Fault> {
    length(text, 0, max)?;
    no_nul(text)?;
    combining(text)?;
    Ok(text.to_owned())
}

fn length(text: &str, min: usize, max: usize) -> Result<(), Fault> {
    // A character has at most four bytes: a huge text is refused without being counted.
    if text.len() > max * 4 {
        return Err(too_long(max));
    }
    match text.chars().count() {
        n if n > max => Err(too_long(max)),
        n if n < min => {
            let characters = if min == 1 { "character" } else { "characters" };
            Err(Fault::new("too_short", format!("at least {min} {characters}")))
        }
        _ => Ok(()),
    }
}

fn too_long(max: usize) -> Fault {
    Fault::new("too_long", format!("at most {max} characters"))
}

fn no_nul(text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::new("bad_character", "no NUL character"));
    }
    Ok(())
}

fn combining(text: &str) -> Result<(), Fault> {
    let mut run = 0;
    for c in text.chars() {
        run = if is_combining_mark(c) { run + 1 } else { 0 };
        if run > MAX_COMBINING_RUN {
            let message = format!("at most {MAX_COMBINING_RUN} combining marks in a row");
            return Err(Fault::new("too_many_marks", message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(parsed: Result<T, Fault>) -> &'static str {
        parsed.unwrap_err().code
    }

    #[test]
    fn usernames_are_normalised_and_compared_without_case() {
        assert_eq!(Username::parse("ＡＮＮ").unwrap().as_str(), "ANN");
        assert_eq!(Username::parse("Ann").unwrap().key(), Username::parse("ANN").unwrap().key());
        assert_eq!(Username::parse("José").unwrap(), Username::parse("Jose\u{301}").unwrap());
    }

    #[test]
    fn bad_usernames_are_refused_with_a_code() {
        assert_eq!(code(Username::parse("a")), "too_short");
        assert_eq!(code(Username::parse(&"a".repeat(33))), "too_long");
        assert_eq!(code(Username::parse(&"a".repeat(1_000_000))), "too_long");
        for bad in ["a@b", "a/b", "a b", "-ann", "ann\u{202E}", "an\u{200B}n", "ann\0", "../x"] {
            assert_eq!(code(Username::parse(bad)), "bad_character", "{bad:?}");
        }
        assert_eq!(code(Username::parse("ME")), "reserved");
        assert_eq!(code(Username::parse("Channel")), "reserved");
    }

    #[test]
    fn names_that_look_the_same_have_one_skeleton() {
        let skeleton = |name: &str| Username::parse(name).unwrap().skeleton();
        for (one, other) in [
            ("paypal", "paypa1"),
            ("paypal", "PaypaI"),
            ("paypal", "\u{440}\u{430}ypal"),
            ("bob", "B0B"),
            ("modern", "rnodern"),
            ("ann", "ANN"),
            ("scope", "\u{455}cope"),
            ("jos\u{e9}", "jose\u{301}"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("ann", "anne"), ("jos\u{e9}", "jose"), ("bob", "bo"), ("a1", "a2")] {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn messages_are_kept_verbatim_and_bounded() {
        let text = " <b>hi</b>\r\n\u{202E}👩‍👩‍👧 ".to_owned();
        assert_eq!(MessageBody::parse(text.clone()).unwrap().as_str(), text);
        assert!(MessageBody::parse("é".repeat(4000)).is_ok());
        assert_eq!(code(MessageBody::parse("é".repeat(4001))), "too_long");
        assert_eq!(code(MessageBody::parse(String::new())), "too_short");
        assert_eq!(code(MessageBody::parse(" \n\u{3000}".to_owned())), "blank");
        assert_eq!(code(MessageBody::parse("\u{200B}".to_owned())), "blank");
        assert_eq!(code(MessageBody::parse("a\0".to_owned())), "bad_character");
        assert_eq!(
            code(MessageBody::parse(format!("a{}", "\u{301}".repeat(200)))),
            "too_many_marks"
        );
    }

    #[test]
    fn names_hide_nothing() {
        assert_eq!(DisplayName::parse("  Ann  ").unwrap().as_str(), "Ann");
        assert!(DisplayName::parse("👩‍🚀 Ann").is_ok());
        assert_eq!(code(DisplayName::parse("Ann\nBob")), "bad_character");
        assert_eq!(code(ChannelName::parse("gen\u{200B}eral")), "bad_character");
        assert_eq!(code(ChannelName::parse("   ")), "too_short");
        assert_eq!(code(ChannelName::parse("\u{200D}")), "blank");
        assert_eq!(code(Username::parse("a\u{3164}")), "bad_character");
    }

    #[test]
    fn passwords_do_not_show() {
        let password = NewPassword::parse("correct horse".to_owned()).unwrap();
        assert_eq!(format!("{password:?}"), "NewPassword(…)");
        assert_eq!(code(NewPassword::parse("short".to_owned())), "too_short");
    }
}
