//! The few parts of tar and gzip that an archive needs, with the reference's words for what is broken.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read, Write};

const BLOCK: usize = 512;

/// Decompresses and words errors as the reference does.
pub(crate) struct Gunzip<R: Read>(MultiGzDecoder<BufReader<Taken<R>>>);

/// Counts the bytes that were taken.
struct Taken<R> {
    from: R,
    bytes: u64,
}

impl<R: Read> Read for Taken<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

impl<R: Read> Gunzip<R> {
    /// Looks at the header. The error is the reason alone.
    pub fn new(from: R) -> Result<Gunzip<R>, String> {
        let mut from = BufReader::with_capacity(64 << 10, Taken { from, bytes: 0 });
        let head = from.fill_buf().map_err(|error| error.to_string())?;
        match head {
            [] => Err("EOF".into()),
            [0x1f, 0x8b, 8, ..] if head.len() >= 10 => Ok(Gunzip(MultiGzDecoder::new(from))),
            _ if head.len() < 10 => Err("unexpected EOF".into()),
            _ => Err("gzip: invalid header".into()),
        }
    }
}

impl<R: Read> Gunzip<R> {
    /// Bytes of the packed form that were read.
    pub fn packed(&self) -> u64 {
        self.0.get_ref().get_ref().bytes
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into).map_err(|error| {
            let text = match error.kind() {
                io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
                io::ErrorKind::InvalidInput if error.to_string().contains("checksum") => {
                    "gzip: invalid checksum".to_owned()
                }
                io::ErrorKind::InvalidInput if error.to_string().contains("header") => {
                    "gzip: invalid header".to_owned()
                }
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => "flate: corrupt input".to_owned(),
                _ => return error,
            };
            io::Error::new(error.kind(), text)
        })
    }
}

/// A member's name and length.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub name: String,
    pub size: u64,
}

/// Reads members one after the other.
pub(crate) struct TarReader<R> {
    from: R,
    /// Bytes of the current member that were not read yet.
    left: u64,
    /// Fill bytes behind the current member.
    pad: u64,
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn unexpected_eof() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "unexpected EOF")
}

impl<R: Read> TarReader<R> {
    pub fn new(from: R) -> TarReader<R> {
        TarReader { from, left: 0, pad: 0 }
    }

    /// Goes to the next member, over what is left of the present one. `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Member>> {
        loop {
            let skip = self.left + self.pad;
            if io::copy(&mut (&mut self.from).take(skip), &mut io::sink())? < skip {
                return Err(unexpected_eof());
            }
            (self.left, self.pad) = (0, 0);
            let Some(block) = self.block()? else { return Ok(None) };
            if block.iter().all(|byte| *byte == 0) {
                return match self.block()? {
                    None => Ok(None),
                    Some(second) if second.iter().all(|byte| *byte == 0) => Ok(None),
                    Some(_) => Err(invalid("archive/tar: invalid tar header")),
                };
            }
            let (kind, member) = header(&block)?;
            self.left = member.size;
            self.pad = (BLOCK as u64 - member.size % BLOCK as u64) % BLOCK as u64;
            match kind {
                b'0' | 0 | b'7' => return Ok(Some(member)),
                // extended headers only refine times and owners of the next member
                b'x' | b'g' => continue,
                _ => return Ok(Some(member)),
            }
        }
    }

    /// A whole block, or nothing at the end of the stream.
    fn block(&mut self) -> io::Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.from.read(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(unexpected_eof()),
                read => filled += read,
            }
        }
        Ok(Some(block))
    }

    pub fn get_mut(&mut self) -> &mut R {
        &mut self.from
    }
}

impl<R: Read> Read for TarReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let want = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if want == 0 {
            return Ok(0);
        }
        let read = self.from.read(&mut into[..want])?;
        if read == 0 {
            return Err(unexpected_eof());
        }
        self.left -= read as u64;
        Ok(read)
    }
}

fn header(block: &[u8; BLOCK]) -> io::Result<(u8, Member)> {
    let bad = || invalid("archive/tar: invalid tar header");
    let sum: u64 =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { *byte as u64 }).sum();
    if number(&block[148..156]) != Some(sum) {
        return Err(bad());
    }
    let text =
        |field: &[u8]| String::from_utf8_lossy(field.split(|byte| *byte == 0).next().unwrap_or(&[])).into_owned();
    let name = text(&block[..100]);
    let prefix = if &block[257..263] == b"ustar\0" { text(&block[345..500]) } else { String::new() };
    let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    Ok((block[156], Member { name, size: number(&block[124..136]).ok_or_else(bad)? }))
}

/// An octal field, or a binary one as GNU tar writes large values.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let mut value = u64::from(field[0] & 0x7f);
        for byte in &field[1..] {
            value = value.checked_mul(256)?.checked_add(u64::from(*byte))?;
        }
        return Some(value);
    }
    let text = std::str::from_utf8(field).ok()?.trim_matches(|c| c == ' ' || c == '\0');
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// Writes a member: its header, its content, its fill bytes.
pub(crate) fn write_member<W: Write>(
    out: &mut W,
    name: &str,
    size: u64,
    modified: u64,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(modified);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    let mut counted = Counted { out: &mut *out, written: 0 };
    content(&mut counted)?;
    let written = counted.written;
    if written != size {
        return Err(io::Error::other(format!("{name} has {written} bytes, {size} were announced")));
    }
    out.write_all(&[0; BLOCK][..(BLOCK - (size % BLOCK as u64) as usize) % BLOCK])
}

/// Writes the end of a tar.
pub(crate) fn write_end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// Counts what passes.
pub(crate) struct Counted<W> {
    pub out: W,
    pub written: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
