//! Text for people: numbers, bytes, what must not reach a terminal.

/// A number with its digits in groups of three, behind one another by this.
pub(crate) fn grouped_by(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    grouped_by(number, ',')
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes in hexadecimal behind `0x`, the middle of many left out.
pub(crate) fn short_hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 36;
    match bytes.len() {
        0..=SHOWN => format!("0x{}", hex(bytes)),
        len => format!("0x{}..{} ({len} bytes)", hex(&bytes[..12]), hex(&bytes[len - 4..])),
    }
}

/// The bytes that hexadecimal digits behind `0x` say.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .strip_prefix("0x")?
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits?;
    let pairs = digits.len().is_multiple_of(2).then(|| digits.as_chunks::<2>().0)?;
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// One line of at most so many characters, with nothing in it that moves a cursor.
pub(crate) fn line(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == most {
            out.push_str("...");
            break;
        }
        match c {
            '\'' | '"' | '\\' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// Whether bytes are a text that people can read.
pub(crate) fn readable(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = |c: char| !c.is_control() || c == '\n';
    (!text.is_empty() && text.chars().all(plain)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_there_and_back() {
        assert_eq!(unhex("0x00fF"), Some(vec![0, 255]));
        assert_eq!(unhex("0x"), Some(vec![]));
        for wrong in ["0x1", "0xzz", "12", "0x+1", "0x🦀🦀"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
        assert_eq!(short_hex(&[7; 100]), "0x070707070707070707070707..07070707 (100 bytes)");
    }

    #[test]
    fn a_hostile_text_stays_on_its_line() {
        let text = line("a\u{1b}[2J\nb\u{202e}", 100);
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
        assert_eq!(line("abcdef", 3), "abc...");
    }
}
