//! Answers what other servers ask.

use super::Raft;
use super::codec::{Reader, Request, Response, get_vote};
use super::snapshots::{Position, StoredSnapshot};
use crate::types::Error;
use bytes::Bytes;
use openraft::raft::AppendEntriesResponse;
use std::io::Write;
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt};

impl Raft {
    /// Serves a request of another server's [`super::Transport::call`].
    pub async fn handle(&self, request: Bytes) -> Bytes {
        let answered = match Request::decode(request) {
            Ok(request) => self.answer(request).await,
            Err(error) => Err(error.to_string()),
        };
        answered.unwrap_or_else(Response::Failed).encode()
    }

    async fn answer(&self, request: Request) -> Result<Response, String> {
        let engine = &self.0.engine;
        Ok(match request {
            Request::Append(request) => {
                let answer = engine.append_entries(request).await.map_err(|error| error.to_string())?;
                if !matches!(answer, AppendEntriesResponse::HigherVote(_)) {
                    self.heard();
                }
                match answer {
                    AppendEntriesResponse::Success => Response::Appended,
                    AppendEntriesResponse::PartialSuccess(id) => Response::AppendedUpTo(id),
                    AppendEntriesResponse::Conflict => Response::Conflict,
                    AppendEntriesResponse::HigherVote(vote) => Response::HigherVote(vote),
                }
            }
            Request::Vote(request) => Response::Vote(engine.vote(request).await.map_err(|error| error.to_string())?),
            Request::PreVote(request) => {
                Response::Vote(engine.pre_vote(request).await.map_err(|error| error.to_string())?)
            }
            Request::Transfer(request) => {
                let answer = engine.handle_transfer_leader(request).await.map_err(|error| error.to_string())?;
                answer.map_err(|error| error.to_string())?;
                Response::Transferring
            }
        })
    }

    fn heard(&self) {
        *self.0.heard.lock() = Some(Instant::now());
        if self.0.elected.borrow().is_none() {
            self.0.spoken.notify_one();
        }
    }

    /// Serves another server's [`super::Transport::send_snapshot`]: stores the archive, verifies it, installs it.
    pub async fn handle_snapshot(&self, header: Bytes, archive: impl AsyncRead + Unpin) -> Bytes {
        let answered = match self.install(header, archive).await {
            Ok(response) => response,
            Err(error) => {
                tracing::error!(target: "agent.server.raft", "a raft snapshot from the leader could not be installed: error={error}");
                Response::Failed(error.text)
            }
        };
        answered.encode()
    }

    async fn install(&self, header: Bytes, mut archive: impl AsyncRead + Unpin) -> Result<Response, Error> {
        let vote = get_vote(&mut Reader(header)).map_err(|error| Error::new(error.to_string()))?;
        let mut received = self.0.snapshots.receive(&vote.leader_id.term.to_string())?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = archive.read(&mut buffer).await?;
            if read == 0 {
                break;
            }
            received.write_all(&buffer[..read])?;
            self.heard();
        }
        let snapshots = self.0.snapshots.clone();
        let stored: StoredSnapshot = tokio::task::spawn_blocking(move || snapshots.finish(received))
            .await
            .map_err(|error| Error::new(error.to_string()))??;
        let at = Position::from_meta(&stored.meta).map_err(Error::new)?;
        let snapshot = openraft::storage::Snapshot { meta: at.snapshot_meta(), snapshot: stored };
        let answer = self.0.engine.install_full_snapshot(vote, snapshot).await;
        Ok(Response::Snapshot(answer.map_err(|error| Error::new(error.to_string()))?.vote))
    }
}
