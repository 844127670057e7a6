//! What a file is, by looking: its name and what its sender says count for nothing.

/// How much of the beginning is looked at.
pub(crate) const HEAD: usize = 8 * 1024;

/// The media type of what begins like this. What nobody knows is text if it reads like text, and
/// else just bytes.
pub fn of(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(HEAD)];
    match infer::get(head) {
        Some(known) => known.mime_type(),
        None if is_text(head) => "text/plain",
        None => "application/octet-stream",
    }
}

/// Whether it is an image that is looked into: the list of decoders that there are.
pub fn is_image(content_type: &str) -> bool {
    format(content_type).is_some()
}

pub(crate) fn format(content_type: &str) -> Option<image::ImageFormat> {
    match content_type {
        "image/png" => Some(image::ImageFormat::Png),
        "image/jpeg" => Some(image::ImageFormat::Jpeg),
        "image/gif" => Some(image::ImageFormat::Gif),
        "image/webp" => Some(image::ImageFormat::WebP),
        _ => None,
    }
}

/// UTF-8, which may be cut in its last character, without control characters that texts have not.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() == HEAD => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{C}' | '\u{1B}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_shows_in_what_it_begins_with() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        for (head, kind) in [
            (&png[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"%PDF-1.7", "application/pdf"),
            (b"PK\x03\x04", "application/zip"),
            (b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>", "text/xml"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>", "text/plain"),
            ("Grüße\r\n".as_bytes(), "text/plain"),
            (b"", "text/plain"),
            (b"\0\x01\x02", "application/octet-stream"),
            (b"caf\xe9", "application/octet-stream"),
        ] {
            assert_eq!(of(head), kind, "{:?}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn a_text_may_be_cut_in_a_character() {
        let text = format!("{}é", "a".repeat(HEAD - 1));
        assert_eq!(of(text.as_bytes()), "text/plain");
        assert_eq!(of("é".as_bytes().split_at(1).0), "application/octet-stream");
    }
}
