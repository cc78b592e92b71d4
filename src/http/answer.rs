//! What a handler answers with, and the body that goes out.

use super::json::{self, Style};
use crate::types::Result;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::Stream;
use hyper::StatusCode;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderValue;
use serde::Serialize;
use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Content type of JSON.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Content type of error texts.
pub const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// Content type of raw values and short texts.
pub const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");
/// Content type of web pages.
pub const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Bodies from this size on are worth compressing.
pub const GZIP_FROM: usize = 1400;

/// A stream of pieces of a body.
pub type Pieces = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// A body.
pub enum Payload {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece, flushed as they come.
    Stream(Pieces),
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Payload::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Payload::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Payload::Stream(pieces) => {
                pieces.as_mut().poll_next(cx).map(|piece| piece.map(|data| Ok(Frame::data(data))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Payload::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Stream(_) => SizeHint::default(),
        }
    }
}

/// An answer without the headers that every endpoint has.
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Content type; none for answers that have no body.
    pub content_type: Option<HeaderValue>,
    /// The body.
    pub payload: Payload,
    /// The body is compressed.
    pub gzipped: bool,
}

impl Answer {
    /// 200 without a result; the router adds the content type that such answers have.
    pub fn done() -> Answer {
        Answer {
            status: StatusCode::OK,
            content_type: Some(JSON),
            payload: Payload::Whole(Bytes::new()),
            gzipped: false,
        }
    }

    /// A status without a body.
    pub fn empty(status: StatusCode) -> Answer {
        Answer { status, content_type: None, payload: Payload::Whole(Bytes::new()), gzipped: false }
    }

    /// Encoded JSON.
    pub fn encoded(body: Bytes) -> Answer {
        Answer { status: StatusCode::OK, content_type: Some(JSON), payload: Payload::Whole(body), gzipped: false }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// As [`json::to_bytes`].
    pub fn json<T: Serialize + ?Sized>(value: &T, style: Style) -> Result<Answer> {
        json::to_bytes(value, style).map(Answer::encoded)
    }

    /// A text.
    pub fn text(status: StatusCode, text: impl Into<String>) -> Answer {
        let payload = Payload::Whole(Bytes::from(text.into()));
        Answer { status, content_type: Some(TEXT), payload, gzipped: false }
    }

    /// Pieces that are sent as they come.
    pub fn stream(content_type: HeaderValue, pieces: Pieces) -> Answer {
        Answer {
            status: StatusCode::OK,
            content_type: Some(content_type),
            payload: Payload::Stream(pieces),
            gzipped: false,
        }
    }

    /// The same answer with another status.
    pub fn with_status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }
}

/// Compresses a whole body.
pub fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).expect("a Vec takes all bytes");
    Bytes::from(encoder.finish().expect("a Vec takes all bytes"))
}

/// True for bytes that [`gzip`] made; JSON never begins like this.
pub fn is_gzip(body: &[u8]) -> bool {
    body.starts_with(&[0x1f, 0x8b])
}

/// Compresses a stream; every piece can be read as soon as it arrives.
pub fn gzip_stream(pieces: Pieces) -> Pieces {
    use futures::StreamExt;
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    Box::pin(futures::stream::unfold((pieces, Some(encoder)), |(mut pieces, encoder)| async move {
        let mut encoder = encoder?;
        match pieces.next().await {
            Some(piece) => {
                encoder.write_all(&piece).and_then(|()| encoder.flush()).expect("a Vec takes all bytes");
                let data = Bytes::from(std::mem::take(encoder.get_mut()));
                Some((data, (pieces, Some(encoder))))
            }
            None => Some((Bytes::from(encoder.finish().expect("a Vec takes all bytes")), (pieces, None))),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use std::io::Read;

    fn unzip(bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).expect("gzip");
        plain
    }

    #[test]
    fn a_compressed_body_is_recognised_and_reads_back() {
        let body = b"[1,2,3]".repeat(400);
        let packed = gzip(&body);
        assert!(is_gzip(&packed) && !is_gzip(&body));
        assert_eq!(unzip(&packed), body);
    }

    #[tokio::test]
    async fn a_compressed_stream_gives_a_piece_for_every_piece() {
        let pieces: Pieces = Box::pin(futures::stream::iter([Bytes::from("one\n"), Bytes::from("two\n")]));
        let packed: Vec<Bytes> = gzip_stream(pieces).collect().await;
        assert_eq!(packed.len(), 3);
        assert_eq!(unzip(&packed.concat()), b"one\ntwo\n");
    }
}
