//! The end of an output that may be long: only the last bytes are kept.

/// Keeps the last `limit` bytes of what is written to it and counts the rest.
pub struct Tail {
    limit: usize,
    total: u64,
    bytes: Vec<u8>,
}

impl Tail {
    /// An empty one.
    pub fn new(limit: usize) -> Tail {
        Tail { limit: limit.max(1), total: 0, bytes: Vec::new() }
    }

    /// Appends; work is constant per byte because the front is dropped in pieces as large as the limit.
    pub fn write(&mut self, chunk: &[u8]) {
        self.total += chunk.len() as u64;
        let chunk = &chunk[chunk.len().saturating_sub(self.limit)..];
        self.bytes.extend_from_slice(chunk);
        if self.bytes.len() > 2 * self.limit {
            self.bytes.drain(..self.bytes.len() - self.limit);
        }
    }

    fn kept(&self) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(self.limit)..]
    }

    /// The last bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.kept()).into_owned()
    }

    /// The last bytes, with a line in front that says so when there was more.
    pub fn captured(&self) -> String {
        let text = self.text();
        if self.total <= self.limit as u64 {
            return text;
        }
        format!("Captured {} of {} bytes\n...\n{text}", self.limit, self.total)
    }
}

/// The note of a TTL check: its first bytes, with words behind that say so when there was more.
pub fn cut_note(note: &str, limit: usize) -> String {
    if note.len() <= limit {
        return note.to_owned();
    }
    let head = String::from_utf8_lossy(&note.as_bytes()[..limit]);
    format!("{head} ... (captured {limit} of {} bytes)", note.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::new(5);
        assert_eq!(tail.captured(), "");
        tail.write(b"abc");
        tail.write(b"de");
        assert_eq!(tail.captured(), "abcde");
        for _ in 0..100 {
            tail.write(b"fg");
        }
        tail.write(b"0123456789");
        assert_eq!(tail.text(), "56789");
        assert_eq!(tail.captured(), "Captured 5 of 215 bytes\n...\n56789");
    }

    #[test]
    fn notes_keep_their_beginning() {
        assert_eq!(cut_note("fine", 4), "fine");
        assert_eq!(cut_note("finer", 4), "fine ... (captured 4 of 5 bytes)");
    }
}
