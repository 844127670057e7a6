//! Web origins: our own (`PUBLIC_URL`) and others that may call (`CORS_ORIGINS`).

use std::fmt;

use url::Url;

use super::values::list;

/// Scheme, host and port of a web page, as a browser writes them in `Origin`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WebOrigin {
    text: String,
    host: String,
}

impl WebOrigin {
    /// `https://chat.example.org`: lower-case, without a default port, without a final slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `chat.example.org`.
    pub fn host(&self) -> &str {
        &self.host
    }

    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{text:?} {what}");
        if text.contains('*') {
            return Err(wrong("has a pattern; only * alone stands for every origin"));
        }
        let url = Url::parse(text)
            .map_err(|_| wrong("is not an origin like https://chat.example.org"))?;
        let host = match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(host)) => host.to_owned(),
            _ => return Err(wrong("must begin with http:// or https://")),
        };
        // The address is not repeated when it may hold a password.
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an origin has no user and no password".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must end after the host and port, without a path"));
        }
        Ok(Self { text: url.origin().ascii_serialization(), host })
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which pages of other origins may call the API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Whose pages.
    pub origins: CorsOrigins,
    /// Whether with credentials; never when `origins` is [`CorsOrigins::Any`].
    pub credentials: bool,
}

/// The origins of [`Cors`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Every page on the web.
    Any,
    /// These; by default none.
    Listed(Vec<WebOrigin>),
}

impl Default for CorsOrigins {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// A list of origins, or `*`.
pub(super) fn cors_origins(text: &str) -> Result<CorsOrigins, String> {
    let items = list(text)?;
    if items.iter().any(|item| item == "*") {
        return Ok(CorsOrigins::Any);
    }
    origins_of(&items).map(CorsOrigins::Listed)
}

/// A list of origins.
pub(super) fn origins(text: &str) -> Result<Vec<WebOrigin>, String> {
    origins_of(&list(text)?)
}

fn origins_of(items: &[String]) -> Result<Vec<WebOrigin>, String> {
    items.iter().map(|item| WebOrigin::parse(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_kept_as_browsers_write_them() {
        let read = origins("https://Chat.Example.org:443/, http://localhost:3000,http://[::1]:80")
            .unwrap();
        let texts: Vec<_> = read.iter().map(WebOrigin::as_str).collect();
        assert_eq!(texts, ["https://chat.example.org", "http://localhost:3000", "http://[::1]"]);
        assert_eq!(read[0].host(), "chat.example.org");
    }

    #[test]
    fn a_star_anywhere_is_everybody() {
        for text in ["*", r#"["*"]"#, "http://localhost:3000, *"] {
            assert_eq!(cors_origins(text), Ok(CorsOrigins::Any), "{text}");
        }
        assert_eq!(cors_origins("[]"), Ok(CorsOrigins::default()));
    }

    #[test]
    fn what_no_browser_would_send_is_refused() {
        for text in [
            "localhost:3000",
            "chat.example.org",
            "null",
            "ftp://a",
            "https://a/b",
            "https://a?b",
            "https://*.a",
            "file:///a",
        ] {
            let reason = cors_origins(text).unwrap_err();
            assert!(reason.contains(text), "{text}: {reason}");
        }
        assert!(!cors_origins("https://ann:pa55@a").unwrap_err().contains("pa55"));
    }
}
