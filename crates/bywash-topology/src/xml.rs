//! Whether a text is well-formed XML with the attributes that libhwloc takes for granted.
//!
//! libxml writes its complaints to standard error and keeps the reason from its caller, and
//! libhwloc 2.9 crashes on an object without a type or with half of its sets. So broken files
//! are found before they see them.

/// Checks that every element is closed by its own name, and that there is exactly one root.
pub(crate) fn check(text: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut roots = 0;
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let at = text.len() - rest.len() + start;
        let broken = |reason: &str| {
            let line = 1 + text[..at].matches('\n').count();
            Err(format!("line {line}: {reason}"))
        };
        let markup = &rest[start..];
        let skipped = [("<!--", "-->"), ("<?", "?>"), ("<!", ">")];
        if let Some((_, end)) = skipped.iter().find(|(begin, _)| markup.starts_with(begin)) {
            let Some(length) = markup.find(end) else {
                return broken("a comment or declaration is never closed");
            };
            rest = &markup[length + end.len()..];
            continue;
        }
        let Some(length) = tag_length(markup) else {
            return broken("a tag is never closed");
        };
        let tag = &markup[1..length - 1];
        rest = &markup[length..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name.trim_end()) {
                return broken("a closing tag closes nothing");
            }
            continue;
        }
        let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or("");
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return broken("a tag has no name");
        }
        if name == "object"
            && let Some(missing) = missing_attribute(tag)
        {
            return broken(&format!("an object has no {missing}"));
        }
        roots += usize::from(open.is_empty());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    match (open.last(), roots) {
        (Some(name), _) => Err(format!("the file ends inside <{name}>: it seems cut off")),
        (None, 1) if !text.contains('\0') => Ok(()),
        (None, 0) => Err("it has no element".to_owned()),
        (None, 1) => Err("it contains a NUL character".to_owned()),
        (None, _) => Err("it has more than one root element".to_owned()),
    }
}

/// An attribute that an object must have, having the others, and has not.
fn missing_attribute(tag: &str) -> Option<&'static str> {
    let has = |name: &str| {
        let mut places = tag.match_indices(name).map(|(at, _)| at);
        places.any(|at| {
            let before = tag[..at].chars().next_back();
            before.is_some_and(char::is_whitespace) && tag[at + name.len()..].starts_with('=')
        })
    };
    let pairs = [
        ("cpuset", "complete_cpuset"),
        ("nodeset", "complete_nodeset"),
    ];
    if !has("type") {
        return Some("type");
    }
    pairs
        .into_iter()
        .find(|(one, other)| has(one) && !has(other))
        .map(|(_, other)| other)
}

/// The length of the tag that `markup` starts with, quoted values skipped.
fn tag_length(markup: &str) -> Option<usize> {
    let mut quote = None;
    for (index, byte) in markup.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'>') => return Some(index + 1),
            (_, b'<') => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::check;

    #[test]
    fn what_hwloc_writes_is_well_formed() {
        let text = "<?xml version=\"1.0\"?>\n<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n\
                    <!-- a > b --><topology version=\"2.0\">\n <object type=\"PU\" name='<>'/>\n\
                    <info value=\"a > b\"/></topology >";
        assert_eq!(check(&text.replace("<>", ">")), Ok(()));
        assert!(check(text).unwrap_err().contains("line 4"));
    }

    #[test]
    fn each_way_to_be_broken_is_named_with_its_line() {
        let broken = [
            ("", "no element"),
            ("<a>", "cut off"),
            ("<a></b>", "closes nothing"),
            ("<a/><b/>", "more than one root"),
            ("<a>\n<b", "line 2: a tag is never closed"),
            ("<a><!-- ", "comment"),
            ("<a>< b/></a>", "no name"),
            ("<a>\0</a>", "NUL"),
            (
                "<a><object cpuset=\"0x1\" type=\"PU\"/></a>",
                "complete_cpuset",
            ),
        ];
        for (text, reason) in broken {
            let error = check(text).unwrap_err();
            assert!(error.contains(reason), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[<>/!?a-b\"'= \\-\u{e9}\n]{0,60}") {
            let opened = format!("<r>{text}");
            let closed = format!("{opened}</r>");
            // One more closing tag cannot be right both with and without it.
            prop_assert!(check(&opened).is_err() || check(&closed).is_err());
        }
    }
}
