//! How Asterisk reads a configuration file: a model of `config_text_file_load` and `process_text_line` of its `main/config.c` (22), for
//! files that include no others. The end-to-end suite compares it with Asterisk itself.
//!
//! What it does, line by line:
//! - a line is what `fgets` gives with 8192 octets; a longer one is skipped, and an octet 0 ends it early;
//! - `;` ends it, unless `\` is before it: then the `\` goes and the `;` stays. `;--` that no `-` follows begins a comment of several
//!   lines, up to 128 deep, that `--;` ends;
//! - octets up to 32 at both ends are dropped, and an empty line means nothing;
//! - `[name]` begins a category; `(...)` after it inherits or adds; without `]` or `)` the whole file is refused;
//! - `#include`, `#tryinclude` and `#exec` lead elsewhere; any other directive means nothing;
//! - all else is `name = value` or `name => value`, of the first `=`, each without blanks at both ends; a `+` before it adds to the last
//!   value of that name; without a `=` it means nothing; before the first category the whole file is refused.

/// The size of Asterisk's buffer for a line.
const BUFFER: usize = 8192;
/// Comments within comments.
const NESTED: usize = 128;

/// A category and its variables, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    pub variables: Vec<(String, String)>,
}

/// Why a file is not what its writer meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Asterisk refuses the whole file at this line.
    Refused(usize),
    /// It leads to another file, or to a program.
    Leads(usize),
    /// It inherits: nothing that we write does.
    Inherits(usize),
}

/// What the file means to Asterisk.
pub fn parse(text: &[u8]) -> Result<Vec<Category>, Fault> {
    let mut reader = Reader::default();
    for (index, line) in lines(text).enumerate() {
        reader.line(line, index + 1)?;
    }
    Ok(reader.categories)
}

/// As `fgets` gives them, with the skipping of those that are too long.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|octet| *octet == b'\n').filter(|line| line.len() < BUFFER).map(|line| {
        let end = line.iter().position(|octet| *octet == 0).unwrap_or(line.len());
        &line[..end]
    })
}

#[derive(Default)]
struct Reader {
    categories: Vec<Category>,
    comment: usize,
}

impl Reader {
    fn line(&mut self, line: &[u8], number: usize) -> Result<(), Fault> {
        let Some(kept) = self.without_comments(line) else { return Ok(()) };
        let kept = strip(&kept);
        match kept.first() {
            None => Ok(()),
            Some(b'[') => self.category(kept, number),
            Some(b'#') => directive(kept, number),
            Some(_) => self.variable(kept, number),
        }
    }

    /// What remains of a line; `None` when it lies within a comment as a whole.
    fn without_comments(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = line.to_vec();
        let mut process = (self.comment == 0).then_some(0);
        // Where the text that is kept ends, while a comment of several lines is open behind it.
        let mut kept_to = None;
        let mut from = 0;
        while let Some(at) = find(&buffer, from) {
            let ahead = |offset: usize| buffer.get(at + offset).copied().unwrap_or(0);
            if at > from && buffer[at - 1] == b'\\' {
                buffer.remove(at - 1);
                from = at;
            } else if ahead(1) == b'-' && ahead(2) == b'-' && ahead(3) != b'-' {
                if self.comment < NESTED {
                    kept_to.get_or_insert(at);
                    from = at + 3;
                    self.comment += 1;
                } else {
                    return None;
                }
            } else if at >= from + 2 && &buffer[at - 2..at] == b"--" {
                self.comment = self.comment.saturating_sub(1);
                from = at + 1;
                if self.comment == 0 {
                    match (process, kept_to.take()) {
                        (Some(_), Some(end)) => {
                            buffer.drain(end..from);
                            from = end;
                        }
                        (Some(_), None) => {}
                        (None, _) => process = Some(from),
                    }
                }
            } else if self.comment == 0 {
                buffer.truncate(at);
                break;
            } else {
                from = at + 1;
            }
        }
        if let Some(end) = kept_to {
            buffer.truncate(end);
        }
        process.map(|start| buffer.get(start..).unwrap_or_default().to_vec())
    }

    fn category(&mut self, line: &[u8], number: usize) -> Result<(), Fault> {
        let end = line.iter().position(|octet| *octet == b']').ok_or(Fault::Refused(number))?;
        if line.get(end + 1) == Some(&b'(') {
            return Err(Fault::Inherits(number));
        }
        self.categories.push(Category { name: text(&line[1..end]), variables: Vec::new() });
        Ok(())
    }

    fn variable(&mut self, line: &[u8], number: usize) -> Result<(), Fault> {
        let category = self.categories.last_mut().ok_or(Fault::Refused(number))?;
        let escaped = usize::from(line[0] == b'\\');
        let line = &line[escaped..];
        if escaped == 1 && line.first().is_none_or(|first| *first < 33) {
            return Err(Fault::Refused(number));
        }
        let Some(equals) = line.iter().skip(escaped).position(|octet| *octet == b'=').map(|at| at + escaped) else {
            return Ok(());
        };
        let adds = equals > escaped && line[equals - 1] == b'+';
        let name = text(strip(&line[..equals - usize::from(adds)]));
        let value = &line[equals + 1..];
        let value = if adds { value } else { value.strip_prefix(b">").unwrap_or(value) };
        if adds && let Some((_, there)) = category.variables.iter_mut().rev().find(|(own, _)| *own == name) {
            *there = text(strip(&[there.as_bytes(), value].concat()));
            return Ok(());
        }
        if !name.is_empty() {
            category.variables.push((name, text(strip(value))));
        }
        Ok(())
    }
}

fn find(buffer: &[u8], from: usize) -> Option<usize> {
    buffer.get(from..)?.iter().position(|octet| *octet == b';').map(|at| at + from)
}

fn directive(line: &[u8], number: usize) -> Result<(), Fault> {
    let word = line[1..].split(|octet| *octet <= 32).next().unwrap_or_default().to_ascii_lowercase();
    if matches!(&word[..], b"include" | b"tryinclude" | b"exec") { Err(Fault::Leads(number)) } else { Ok(()) }
}

/// `ast_strip`: octets are taken as unsigned.
fn strip(mut text: &[u8]) -> &[u8] {
    while let [..=32, rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., ..=32] = text {
        text = rest;
    }
    text
}

fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, Vec<(String, String)>)>, Fault> {
        Ok(parse(text.as_bytes())?.into_iter().map(|category| (category.name, category.variables)).collect())
    }

    fn only(text: &str) -> Vec<(String, String)> {
        read(&format!("[a]\n{text}\n")).unwrap().remove(0).1
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn names_and_values_are_of_the_first_equals_sign() {
        assert_eq!(only(" a  =  b = c \n d => e\nf =>= g\nh\n= i"), pairs(&[("a", "b = c"), ("d", "e"), ("f", "= g")]));
        assert_eq!(only("a = b\na += c\nz += d"), pairs(&[("a", "b c"), ("z", "d")]));
        assert_eq!(only("\\[a = b"), pairs(&[("[a", "b")]));
    }

    #[test]
    fn comments_end_lines_or_go_over_several() {
        assert_eq!(only("a = b;c\nd = e\\;f\n;g = h"), pairs(&[("a", "b"), ("d", "e;f")]));
        assert_eq!(only("a = b;-- c\nd = e\n--; f = g\nh = i"), pairs(&[("a", "b"), ("f", "g"), ("h", "i")]));
        assert_eq!(only("a = b;-- c --;d"), pairs(&[("a", "bd")]));
        assert_eq!(only("a = b;--- c\nd = e"), pairs(&[("a", "b"), ("d", "e")]));
    }

    #[test]
    fn categories_and_directives_are_seen() {
        assert_eq!(read("[a]x\n[b]\nc=d").unwrap().len(), 2);
        assert_eq!(read("[a\n"), Err(Fault::Refused(1)));
        assert_eq!(read("a = b\n"), Err(Fault::Refused(1)));
        assert_eq!(read("[a]\n[b](a)\n"), Err(Fault::Inherits(2)));
        for leads in ["#include x", "#exec x", "  #TryInclude \"x\""] {
            assert_eq!(read(&format!("[a]\n{leads}\n")), Err(Fault::Leads(2)));
        }
        assert!(only("#unknown x").is_empty());
    }

    #[test]
    fn a_line_ends_at_a_zero_and_is_skipped_when_it_is_too_long() {
        assert_eq!(only("a = b\0; c\nd = e"), pairs(&[("a", "b"), ("d", "e")]));
        assert_eq!(only(&format!("a = {}\nd = e", "x".repeat(BUFFER))), pairs(&[("d", "e")]));
    }
}
