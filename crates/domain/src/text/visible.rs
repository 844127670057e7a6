//! What of a text can be seen.

use crate::Fault;

/// The flag on which the tags of an emoji stand, and the tag that ends them.
const FLAG: char = '\u{1F3F4}';
const END_OF_TAGS: char = '\u{E007F}';

/// No control characters, and none that are invisible or turn the text around: names made with
/// them look like other names. The zero-width joiner stays, because emoji need it, and so do tags
/// where they say whose flag one is.
pub(super) fn printable(text: &str) -> Result<(), Fault> {
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == FLAG
            && let Some(length) = region(rest.as_str())
        {
            rest.nth(length - 1);
        } else if is_hidden(c) {
            return Err(Fault::new("bad_character", "no control or invisible characters"));
        }
    }
    Ok(())
}

/// Something that can be seen.
pub(super) fn not_blank(text: &str) -> Result<(), Fault> {
    if text.chars().all(|c| c.is_whitespace() || leaves_no_mark(c)) {
        return Err(Fault::new("blank", "something that can be seen"));
    }
    Ok(())
}

/// How many characters of a text are the tags of a flag (UTS #51, `emoji_tag_sequence`): a country
/// and one of its parts, such as `gbeng`, and the end. Other tags could hide a text in a name.
fn region(text: &str) -> Option<usize> {
    let is_tag = |c: &char| matches!(c, '\u{E0030}'..='\u{E0039}' | '\u{E0061}'..='\u{E007A}');
    let length = text.chars().take_while(is_tag).count();
    let ended = text.chars().nth(length) == Some(END_OF_TAGS);
    (ended && (3..=6).contains(&length)).then_some(length + 1)
}

/// What a name may not have.
pub(super) fn is_hidden(c: char) -> bool {
    c.is_control()
        || is_filler(c)
        || matches!(c,
            '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// What by itself leaves no mark (Unicode's `Default_Ignorable_Code_Point`, and the empty Braille
/// pattern), though it may change how what stands beside it looks.
fn leaves_no_mark(c: char) -> bool {
    is_hidden(c)
        || matches!(c,
            '\u{034F}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{200C}'
            | '\u{200D}' | '\u{2800}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}')
}

/// Letters, as far as Unicode goes, that are only room for one.
pub(super) fn is_filler(c: char) -> bool {
    matches!(c, '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(text: &str) -> String {
        text.chars().map(|c| char::from_u32(0xE0000 + u32::from(c)).unwrap()).collect()
    }

    #[test]
    fn tags_stand_on_flags_only() {
        let of = |region: &str| format!("{FLAG}{}{END_OF_TAGS}", tags(region));
        let flags = ["gbeng", "gbsct", "gbwls", "usca"].map(of);
        for good in [&flags.concat(), &format!("a {} b", flags[0]), "🏴", "🏴‍☠️"] {
            assert_eq!(printable(good), Ok(()), "{good:?}");
        }
        for bad in [
            tags("gbeng"),
            format!("{FLAG}{}", tags("gbeng")),
            format!("{FLAG}{END_OF_TAGS}"),
            format!("a{}{END_OF_TAGS}", tags("gbeng")),
            format!("😀{}{END_OF_TAGS}", tags("gbeng")),
            of("gb"),
            of("gbengland"),
            of("GBENG"),
            of("gb g"),
            format!("{}{}", flags[0], tags("a")),
            format!("{}{END_OF_TAGS}", flags[0]),
        ] {
            assert_eq!(printable(&bad).unwrap_err().code, "bad_character", "{bad:?}");
        }
    }

    #[test]
    fn what_leaves_no_mark_is_blank() {
        for blank in ["", " \n", "\u{200B}", "\u{2060} \u{FE0F}", "\u{3164}", "\u{2800}\u{200D}"] {
            assert_eq!(not_blank(blank).unwrap_err().code, "blank", "{blank:?}");
        }
        for seen in ["a\u{200B}", "\u{200F}א", "❤\u{FE0F}", "\u{301}", ".", "👩‍🚀"] {
            assert_eq!(not_blank(seen), Ok(()), "{seen:?}");
        }
    }
}
