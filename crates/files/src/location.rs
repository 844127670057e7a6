//! Where files are to be kept, as an address.

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// Where files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder, made if it is missing.
    Folder(PathBuf),
    /// A bucket of an S3-compatible server.
    Bucket {
        /// Its name.
        name: String,
        /// What the keys of all objects begin with; may be empty.
        prefix: String,
        /// Where it is; AWS when not given.
        endpoint: Option<String>,
        /// `us-east-1` when not given.
        region: Option<String>,
        /// Who asks; the machine's own role when not given.
        credentials: Option<Credentials>,
    },
}

/// What signs requests to a bucket. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Names the key.
    pub access_key: String,
    /// The key.
    pub secret_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Location {
    /// Reads an address: `file:///a/folder`, or `s3://bucket/prefix?region=…&endpoint=https://…`.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WANTED: &str = "file:///folder or s3://bucket/prefix?region=…&endpoint=… is wanted";
        let url = Url::parse(text).map_err(|_| WANTED)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("keys do not belong in this address: FILES_ACCESS_KEY, FILES_SECRET_KEY");
        }
        match url.scheme() {
            "file" => {
                let path = url.to_file_path().map_err(|()| WANTED)?;
                Ok(Self::Folder(path))
            }
            "s3" => bucket(&url).ok_or(WANTED)?,
            _ => Err(WANTED),
        }
    }

    /// The same with what signs requests, if it is a bucket.
    #[must_use]
    pub fn signed_by(mut self, by: Option<Credentials>) -> Self {
        if let Self::Bucket { credentials, .. } = &mut self {
            *credentials = by;
        }
        self
    }
}

fn bucket(url: &Url) -> Option<Result<Location, &'static str>> {
    let name = url.host_str().filter(|name| !name.is_empty())?.to_owned();
    let prefix = url.path().trim_matches('/').to_owned();
    let (mut endpoint, mut region) = (None, None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "region" => region = Some(value.into_owned()),
            "endpoint" => {
                let good = Url::parse(&value).is_ok_and(|url| {
                    let bare = url.username().is_empty() && url.password().is_none();
                    matches!(url.scheme(), "http" | "https") && url.has_host() && bare
                });
                if !good {
                    return Some(Err(
                        "endpoint=… is to be an http or https address, without a password",
                    ));
                }
                endpoint = Some(value.into_owned());
            }
            _ => return Some(Err("only region=… and endpoint=… may follow the ?")),
        }
    }
    Some(Ok(Location::Bucket { name, prefix, endpoint, region, credentials: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_folder_or_a_bucket() {
        assert_eq!(
            Location::parse("file:///var/lib/files"),
            Ok(Location::Folder(PathBuf::from("/var/lib/files")))
        );
        let text = "s3://chat/files/a/?region=eu-west-1&endpoint=http://127.0.0.1:9000";
        assert_eq!(
            Location::parse(text),
            Ok(Location::Bucket {
                name: "chat".to_owned(),
                prefix: "files/a".to_owned(),
                endpoint: Some("http://127.0.0.1:9000".to_owned()),
                region: Some("eu-west-1".to_owned()),
                credentials: None,
            })
        );
        for bad in [
            "files",
            "http://a/b",
            "s3://",
            "s3://key:secret@chat",
            "s3://chat?endpoint=ftp://a",
            "s3://chat?endpoint=nowhere",
            "s3://chat?endpoint=http://key:secret@127.0.0.1:9000",
            "s3://chat?acl=public",
        ] {
            assert!(Location::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let keys = Credentials { access_key: "AKIA".to_owned(), secret_key: "s3cret".to_owned() };
        let shown = format!("{:?}", Location::parse("s3://chat").unwrap().signed_by(Some(keys)));
        assert!(!shown.contains("AKIA") && !shown.contains("s3cret"), "{shown}");
    }
}
