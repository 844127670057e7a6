//! What a file is called.

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::visible::{is_hidden, not_blank};

/// What file systems take (`NAME_MAX`), in bytes.
const MAX: usize = 255;

/// An ending longer than this is part of the name.
const MAX_ENDING: usize = 32;

/// What a file is called: one path component of 1–255 bytes, normalised (NFC), without anything
/// that is invisible, turns the text around or ends a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FileName(String);

impl FileName {
    /// Makes a name of what a client says. There is none so bad that a file is refused for it: what
    /// cannot stand in a name is left out, and a name of which nothing is left is `file`.
    pub fn clean(said: &str) -> Self {
        let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
        let seen: String = last.nfc().filter(|c| !is_hidden(*c)).collect();
        // Windows drops dots and spaces at the end: names that differ in them only are the same.
        let name = seen.trim().trim_end_matches(['.', ' ']);
        if not_blank(name).is_err() {
            return Self("file".to_owned());
        }
        Self(shortened(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, owned.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// At most [`MAX`] bytes of a name; its ending, which says what opens it, stays.
fn shortened(name: &str) -> String {
    if name.len() <= MAX {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|dot| *dot > 0 && name.len() - dot <= MAX_ENDING);
    let (stem, ending) = name.split_at(dot.unwrap_or(name.len()));
    let end = stem.floor_char_boundary(MAX - ending.len());
    format!("{}{ending}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_path_component_without_anything_invisible() {
        for (said, name) in [
            ("holiday.jpg", "holiday.jpg"),
            ("  grüße aus 東京 👩\u{200D}🚀.png ", "grüße aus 東京 👩\u{200D}🚀.png"),
            ("../../etc/passwd", "passwd"),
            ("/etc/passwd", "passwd"),
            ("C:\\Users\\ann\\cv.doc", "cv.doc"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("a/b/..", "file"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            ("folder/", "file"),
            ("\u{200B}\u{2060}", "file"),
            ("%2e%2e%2fetc%2fpasswd", "%2e%2e%2fetc%2fpasswd"),
            ("a\r\nSet-Cookie: b=c", "aSet-Cookie: b=c"),
            ("evil\0.txt", "evil.txt"),
            ("photo\u{202E}gpj.exe", "photogpj.exe"),
            ("report.exe. . .", "report.exe"),
            (".bashrc", ".bashrc"),
            ("e\u{301}te\u{301}.txt", "été.txt"),
        ] {
            assert_eq!(FileName::clean(said).as_str(), name, "{said:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = FileName::clean(&format!("{}.tar.gz", "é".repeat(300)));
        assert_eq!(name.as_str().len(), 255);
        assert!(name.as_str().ends_with("é.gz") || name.as_str().ends_with(".tar.gz"));
        let name = FileName::clean(&format!("a.{}", "b".repeat(300)));
        assert_eq!(name.into_string(), format!("a.{}", "b".repeat(253)));
    }
}
