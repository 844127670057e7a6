//! The `.env` file. One `NAME=value` a line:
//!
//! - Empty lines and lines that begin with `#` mean nothing; `export ` before a name is allowed.
//! - A bare value is the rest of the line without the spaces around it: it may hold spaces, quotes
//!   and JSON. A `#` that follows a space begins a comment.
//! - `'…'` is taken as it stands; in `"…"`, `\"`, `\\`, `\n`, `\r` and `\t` are replaced. After the closing
//!   quote only a comment may follow.
//! - Nothing is interpolated: `$` is a dollar sign. A value ends with its line.
//! - A name that stands twice has its last value.
//!
//! (The crates for this format refuse bare values with spaces, which other servers' files have.)

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What stands before `=`.
    pub(super) name: String,
    /// What stands after it, unquoted.
    pub(super) value: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// A line that is not an assignment. Says where and why, never what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    /// Counted from 1.
    pub(super) line: usize,
    /// What would be accepted.
    pub(super) reason: &'static str,
}

/// Reads the text of a `.env` file: what it assigns, and every line that it should not have.
pub(super) fn parse(text: &str) -> (Vec<Entry>, Vec<BadLine>) {
    let mut entries = Vec::new();
    let mut bad = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        match assignment(content.trim()) {
            Ok(None) => {}
            Ok(Some((name, value))) => entries.push(Entry { name, value, line }),
            Err(reason) => bad.push(BadLine { line, reason }),
        }
    }
    (entries, bad)
}

fn assignment(line: &str) -> Result<Option<(String, String)>, &'static str> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("NAME=value is wanted")?;
    let name = name.trim();
    let known = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(known)
    {
        return Err("a name is letters, digits and underscores");
    }
    let value = match value.trim_start().chars().next() {
        Some('\'') => single_quoted(value.trim_start())?,
        Some('"') => double_quoted(value.trim_start())?,
        _ => bare(value).to_owned(),
    };
    Ok(Some((name.to_owned(), value)))
}

fn bare(value: &str) -> &str {
    let comment = value
        .char_indices()
        .zip(value.chars().skip(1))
        .find(|((_, before), at)| before.is_whitespace() && *at == '#');
    comment.map_or(value, |((at, _), _)| &value[..at]).trim()
}

fn single_quoted(value: &str) -> Result<String, &'static str> {
    let (inside, after) =
        value[1..].split_once('\'').ok_or("the closing ' is missing on this line")?;
    nothing_after(after)?;
    Ok(inside.to_owned())
}

fn double_quoted(value: &str) -> Result<String, &'static str> {
    let mut inside = String::new();
    let mut chars = value[1..].chars();
    loop {
        match chars.next().ok_or("the closing \" is missing on this line")? {
            '"' => break,
            '\\' => inside.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(c @ ('"' | '\\')) => c,
                _ => return Err("after \\ stands \", \\, n, r or t"),
            }),
            c => inside.push(c),
        }
    }
    nothing_after(chars.as_str())?;
    Ok(inside)
}

fn nothing_after(rest: &str) -> Result<(), &'static str> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') {
        Ok(())
    } else {
        Err("after the closing quote only a comment may follow")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<String, &'static str> {
        let (entries, bad) = parse(line);
        match (entries.as_slice(), bad.as_slice()) {
            ([entry], []) => Ok(entry.value.clone()),
            ([], [bad]) => Err(bad.reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bare_values_hold_spaces_quotes_and_json() {
        for (line, value) in [
            ("APP_NAME=Chat Application API", "Chat Application API"),
            (r#"CORS_ORIGINS=["*"]"#, r#"["*"]"#),
            (r#"A=["http://a", "http://b"]"#, r#"["http://a", "http://b"]"#),
            ("A = it's  ", "it's"),
            ("export A=b", "b"),
            ("A=b=c", "b=c"),
            ("A=a#b", "a#b"),
            ("A=a # b", "a"),
            ("A=#b", "#b"),
            ("A=", ""),
            ("A=  ", ""),
            ("A= # nothing yet", ""),
            ("A=${B}\r", "${B}"),
            ("A=\u{e9}\u{a0}# b", "\u{e9}"),
            (r"A=C:\new", r"C:\new"),
        ] {
            assert_eq!(one(line).as_deref(), Ok(value), "{line}");
        }
    }

    #[test]
    fn quotes_keep_what_they_hold() {
        for (line, value) in [
            (r"A=' a # b '", " a # b "),
            (r"A='a\n' # b", r"a\n"),
            (r#"A="a\n\"b\"\\" # c"#, "a\n\"b\"\\"),
            (r#"A="" "#, ""),
        ] {
            assert_eq!(one(line).as_deref(), Ok(value), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_assignment_is_named_and_the_others_still_read() {
        let (entries, bad) =
            parse("\u{feff}# seen\nA=1\nwhat\n\n9=2\nB='x\nC=\"x\" y\nA=3\nD=\"\\q\"");
        assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [3, 5, 6, 7, 9]);
        let read: Vec<_> =
            entries.iter().map(|e| (e.name.as_str(), e.value.as_str(), e.line)).collect();
        assert_eq!(read, [("A", "1", 2), ("A", "3", 8)]);
    }
}
