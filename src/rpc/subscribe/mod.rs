//! Event streams on the server port (`spec/rpc.md` 12).

use super::security::AnyStream;
use super::service::Service;
use std::sync::Arc;

/// Serves one HTTP/2 connection; `streaming` says whether event streams are offered.
pub(super) async fn serve(stream: AnyStream, service: &Arc<dyn Service>, streaming: bool) {
    let _ = (stream, service, streaming);
}
