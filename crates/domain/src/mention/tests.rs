use proptest::prelude::*;

use super::*;
use crate::Timestamp;

/// The longest name of each call, and `@` for everybody.
fn called(text: &str) -> Vec<String> {
    let calls = Calls::of(text);
    let names = calls.names.iter().map(|keys| keys[0].clone());
    names.chain(calls.channel.then(|| "@".to_owned())).collect()
}

#[test]
fn a_name_after_an_at_calls() {
    for (text, expected) in [
        ("@ann", &["ann"][..]),
        (
            "hi @Ann, @bob! (@Carol) '@dan' *@eve* hey:@fay ...@gil",
            &["ann", "bob", "carol", "dan", "eve", "fay", "gil"],
        ),
        ("@ann @ANN @ａｎｎ", &["ann"]),
        ("@Straße @ÅSA", &["straße", "åsa"]),
        ("line\n@bob\r\n\t@carol", &["bob", "carol"]),
        ("@channel", &["@"]),
        ("now, @Channel: @ann", &["ann", "@"]),
        ("@channel.", &["@"]),
        ("@ann's and @bob–@carol", &["ann", "bob", "carol"]),
    ] {
        assert_eq!(called(text), expected, "{text}");
    }
}

#[test]
fn what_is_part_of_something_else_calls_nobody() {
    for text in [
        "",
        "@",
        "@ ann",
        "@@ann",
        "ann@example.com",
        "a+b@ann",
        "ann_@bob",
        "ann-@bob",
        "\\@ann",
        "https://example.com/@ann",
        "@ann@example.com",
        "@.ann",
        "@-",
        "x=@ann",
        "é@ann",
        "e\u{301}@ann",
        &format!("@{}", "a".repeat(33)),
        "\u{ff20}ann",
    ] {
        assert_eq!(called(text), [""; 0], "{text}");
    }
    assert_eq!(called("@channels @channels-of @x"), ["channels", "channels-of", "x"]);
}

#[test]
fn code_calls_nobody() {
    for (text, expected) in [
        ("`@ann` @bob", &["bob"][..]),
        ("``a ` @ann`` @bob", &["bob"]),
        ("`@ann", &["ann"]),
        ("``@ann` @bob", &["ann", "bob"]),
        ("\\`@ann`", &["ann"]),
        ("\\\\`@ann`", &[]),
        ("```\n@ann\n```\n@bob", &["bob"]),
        ("```rust\n@ann\n~~~\n@bob", &[]),
        ("~~~~\n@ann\n~~~\n@bob\n~~~~~\n@carol", &["carol"]),
        ("   ```\n@ann\n   ```\n@bob", &["bob"]),
        ("    ```\n@ann", &["ann"]),
        ("```@ann```\n@bob", &["bob"]),
        ("``` not `closed\n@ann", &["ann"]),
        ("@carol\n```\n@ann", &["carol"]),
    ] {
        assert_eq!(called(text), expected, "{text}");
    }
}

#[test]
fn the_longest_name_that_somebody_has_is_meant() {
    let now = Timestamp::from_unix_millis(0);
    let (ann, dotted) = (UserId::new(now), UserId::new(now));
    let mut names = Names::from([("ann".to_owned(), ann)]);
    let calls = Calls::of("@ann.. and @Ann-_ and @ann");
    assert_eq!(calls.people(&names), [ann], "each person once");
    names.insert("ann.".to_owned(), dotted);
    assert_eq!(calls.people(&names), [dotted, ann]);
    assert_eq!(Calls::of("@nobody").people(&names), []);
}

#[test]
fn fifty_are_called_at_most() {
    let names: Vec<String> = (0..60).map(|n| format!("@user{n} @user{n}")).collect();
    let calls = Calls::of(&(names.join(" ") + " @channel"));
    assert_eq!(calls.names.len(), 50);
    assert_eq!(calls.names[49], ["user49"]);
    assert!(calls.channel);
}

proptest! {
    #[test]
    fn any_text_calls_a_bounded_number_of_names_that_can_be_somebodys(text in "\\PC{0,300}|[@`~\\\\.\n a-c_-]{0,400}") {
        let calls = Calls::of(&text);
        prop_assert!(calls.names.len() <= MAX_MENTIONS);
        for key in calls.keys() {
            prop_assert!(key.starts_with(|c: char| in_name(c) || !c.is_ascii()));
            prop_assert_eq!(key, &Username::key_of(key));
        }
        for keys in &calls.names {
            prop_assert!(!keys.is_empty() && keys.len() <= MAX_NAME);
        }
        if !text.contains('@') {
            prop_assert!(calls.is_empty());
        }
    }

    #[test]
    fn whoever_is_called_among_other_words_is_found(
        before in "[a-z ,.!?(]{0,40}", name in "[a-z][a-z0-9_.-]{0,20}[a-z0-9]", after in "[ ,!?)][a-z ,.!?]{0,40}",
    ) {
        prop_assume!(name != EVERYBODY);
        let text = format!("{before} @{name}{after}");
        prop_assert_eq!(called(&text), [name.clone()]);
        prop_assert_eq!(called(&format!("{before}`@{name}`{after}")), [""; 0]);
        prop_assert_eq!(called(&format!("{before}\n```\n@{name}{after}")), [""; 0]);
    }
}
