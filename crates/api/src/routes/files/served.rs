//! What strangers sent, handed out so that no browser takes it for a page of this server's.

use actix_web::HttpResponseBuilder;
use actix_web::http::header;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a name in `filename*` may have as it is: RFC 8187's `attr-char`.
const NOT_ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// An answer with a file in it, or about one: kept by the client only, and asked about each time,
/// since access may end. Should it be opened as a page, it can do nothing.
pub(super) fn plainly(mut response: HttpResponseBuilder, tag: &str) -> HttpResponseBuilder {
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "private, no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        // A page of another origin shows images by links, which are good for one file and a minute;
        // without one, what a page asks for in this way has no proof of anything.
        .insert_header(("cross-origin-resource-policy", "cross-origin"));
    response
}

/// The type under which a file is handed out: its own where browsers only show it, else just bytes.
pub(super) fn content_type(known: &str) -> &str {
    let shown = matches!(known, "application/pdf" | "application/zip")
        || (known.starts_with("image/") && known != "image/svg+xml")
        || known.starts_with("audio/")
        || known.starts_with("video/");
    match known {
        "text/plain" => "text/plain; charset=utf-8",
        known if shown => known,
        _ => "application/octet-stream",
    }
}

/// `Content-Disposition` of RFC 6266, with the name in ASCII for whoever knows no other.
pub(super) fn attachment(name: &str) -> String {
    let plain = |c: char| if matches!(c, ' '..='~') && !"\"\\%".contains(c) { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let full = utf8_percent_encode(name, NOT_ATTRIBUTE);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_in_the_header_twice() {
        for (name, header) in [
            ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
            ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
            ("é€.png", "attachment; filename=\"__.png\"; filename*=UTF-8''%C3%A9%E2%82%AC.png"),
            ("\"; x=\"", "attachment; filename=\"_; x=_\"; filename*=UTF-8''%22%3B%20x%3D%22"),
            ("50%20.txt", "attachment; filename=\"50_20.txt\"; filename*=UTF-8''50%2520.txt"),
            ("a'b(c)*", "attachment; filename=\"a'b(c)*\"; filename*=UTF-8''a%27b%28c%29%2A"),
        ] {
            assert_eq!(attachment(name), header);
        }
    }

    #[test]
    fn what_could_act_is_just_bytes() {
        for act in ["text/html", "image/svg+xml", "text/xml", "text/javascript", "x", ""] {
            assert_eq!(content_type(act), "application/octet-stream", "{act}");
        }
        for shown in ["image/png", "audio/mpeg", "video/mp4", "application/pdf"] {
            assert_eq!(content_type(shown), shown);
        }
        assert_eq!(content_type("text/plain"), "text/plain; charset=utf-8");
    }
}
