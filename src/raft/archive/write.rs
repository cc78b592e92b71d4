//! Writing an archive: `meta.json`, `state.bin`, `SHA256SUMS`, in this order and in one pass.

use super::Meta;
use super::tar::{Counted, write_end, write_member};
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

/// Level of the compression: most of its effect for a fraction of the time.
const LEVEL: u32 = 1;

/// Bytes that `state` writes.
pub fn measure(state: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<u64> {
    let mut counted = Counted { out: io::sink(), written: 0 };
    state(&mut counted)?;
    Ok(counted.written)
}

/// Writes an archive. `meta.size` must be the number of bytes that `state` writes ([`measure`]).
pub fn write<W: Write>(out: W, meta: &Meta, state: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<W> {
    let modified = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let buffered = io::BufWriter::with_capacity(256 << 10, out);
    let mut gzip = GzBuilder::new().write(buffered, Compression::new(LEVEL));

    let mut json = serde_json::to_vec(meta)?;
    json.push(b'\n');
    write_member(&mut gzip, "meta.json", json.len() as u64, modified, |out| out.write_all(&json))?;

    let mut hasher = Sha256::new();
    write_member(&mut gzip, "state.bin", meta.size, modified, |out| {
        let mut hashed = io::BufWriter::with_capacity(64 << 10, Hashed { out, hasher: &mut hasher });
        state(&mut hashed)?;
        hashed.flush()
    })?;

    let sums = format!("{}  meta.json\n{}  state.bin\n", hex(&Sha256::digest(&json)), hex(&hasher.finalize()));
    write_member(&mut gzip, "SHA256SUMS", sums.len() as u64, modified, |out| out.write_all(sums.as_bytes()))?;
    write_end(&mut gzip)?;
    gzip.finish()?.into_inner().map_err(|error| error.into_error())
}

struct Hashed<'a> {
    out: &'a mut dyn Write,
    hasher: &'a mut Sha256,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
