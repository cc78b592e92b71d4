//! A session's state under any order of frames and calls, for `crate::fuzzing`.

use super::Limits;
use super::frame::HEADER;
use super::state::State;
use bytes::BytesMut;
use std::task::{Context, Waker};
use tokio::io::ReadBuf;

/// Every step is a byte that chooses, and what it needs: how many bytes arrive, or what the owner of a stream does.
pub fn session(data: &[u8]) {
    let limits = Limits { backlog: 4, streams: 8, ..Limits::default() };
    let Some((side, mut rest)) = data.split_first() else { return };
    let mut state = State::new(side & 1 == 0, limits);
    let (mut input, mut out) = (BytesMut::new(), BytesMut::new());
    let mut open = Vec::new();
    let cx = Context::from_waker(Waker::noop());
    while let Some((step, after)) = rest.split_first() {
        rest = after;
        let stream = open.get(usize::from(step >> 4) % open.len().max(1)).copied().unwrap_or(1);
        match step & 15 {
            0 => open.extend(state.open().ok().flatten()),
            1 => open.extend(state.accept()),
            2 => {
                let mut buffer = [0; 512];
                let _ = state.poll_read(stream, &mut ReadBuf::new(&mut buffer), &cx);
            }
            3 => {
                let _ = state.poll_write(stream, &[7; 600], &cx);
            }
            4 => state.finish(stream),
            5 => {
                state.forget(stream);
                open.retain(|id| *id != stream);
            }
            6 => {
                out.clear();
                state.take_out(&mut out);
            }
            7 => {
                let _ = state.poll_gone(stream, &cx);
                state.is_idle(stream);
            }
            more => {
                let length = (usize::from(more - 8) * 6 + HEADER).min(rest.len());
                input.extend_from_slice(&rest[..length]);
                rest = &rest[length..];
                if let Err(ended) = state.receive(&mut input) {
                    return state.end(ended);
                }
                assert!(input.len() < HEADER, "frames are left");
            }
        }
    }
}
