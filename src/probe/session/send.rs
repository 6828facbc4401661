//! A request with much data. It is sent piece by piece while the answer is awaited, as browsers do.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use direct_upload_core::judge::session::{Content, Secret};
use direct_upload_core::judge::{Response, Unreadable, Wire, head};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::probe::connect::Stream;
use crate::probe::host::Host;
use crate::probe::http;

/// How much to make and write at once.
const PIECE: usize = 64 * 1024;

/// How long to wait for an answer that may have arrived before the connection was cut.
const AFTER_CUT: Duration = Duration::from_secs(2);

/// The data, and what surrounds it in the body.
pub struct Data {
    pub before: String,
    pub content: Content,
    pub after: String,
    /// The content is spread over this time.
    pub pace: Duration,
}

impl Data {
    /// How much to make and write at once. For content that is spread over time, this is one second's part.
    fn piece(&self) -> usize {
        let seconds = self.pace.as_secs().max(1);
        let second = usize::try_from(self.content.size.div_ceil(seconds)).unwrap_or(PIECE);
        if self.pace.is_zero() { PIECE } else { second.clamp(1, PIECE) }
    }

    /// When the content up to this point should be sent.
    fn due(&self, began: Instant, sent: u64) -> Instant {
        let nanoseconds = self.pace.as_nanos() * u128::from(sent) / u128::from(self.content.size.max(1));
        began + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Sends it, with silences of at most `idle`. Returns how much of the content was written.
pub async fn send(
    stream: Box<dyn Stream>,
    (host, address): (&Host, SocketAddr),
    text: &Secret,
    data: &Data,
    idle: Duration,
    told: impl Fn(u64),
) -> (Wire, u64) {
    let sent = AtomicU64::new(0);
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = async {
        writer.write_all(text.expose().as_bytes()).await?;
        writer.write_all(data.before.as_bytes()).await?;
        let began = Instant::now();
        for piece in data.content.pieces(data.piece()) {
            if !data.pace.is_zero() {
                // The last piece is sent when the time is over.
                writer.flush().await?;
                sleep_until(data.due(began, sent.load(Ordering::Relaxed) + piece.len() as u64)).await;
            }
            writer.write_all(&piece).await?;
            told(sent.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64);
        }
        writer.write_all(data.after.as_bytes()).await?;
        writer.flush().await
    };
    let reading = answer(&mut reader);
    tokio::pin!(writing, reading);
    let mut is_writing = true;
    let mut seen = u64::MAX;
    let failed = |error: &io::Error| Wire::Failed(http::no_answer(host, address, error));
    let wire = loop {
        tokio::select! {
            biased;
            read = &mut reading => break match read {
                Ok(answer) => Wire::Response(answer),
                Err(error) => failed(&error),
            },
            written = &mut writing, if is_writing => match written {
                Ok(()) => is_writing = false,
                // A server that refuses data answers and then cuts the connection. The answer may still
                // arrive.
                Err(error) => break match timeout(AFTER_CUT, &mut reading).await {
                    Ok(Ok(answer)) => Wire::Response(answer),
                    _ => failed(&error),
                },
            },
            () = sleep(idle) => {
                let now = sent.load(Ordering::Relaxed);
                if now == seen || !is_writing {
                    break Wire::Silence(idle.as_secs());
                }
                seen = now;
            }
        }
    };
    (wire, sent.load(Ordering::Relaxed))
}

async fn answer(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Response> {
    let mut bytes = Vec::new();
    loop {
        if reader.read_buf(&mut bytes).await? == 0 {
            return Err(io::Error::other(Unreadable::Cut));
        }
        if let Some(answer) = head::read(&bytes).map_err(io::Error::other)? {
            return Ok(answer);
        }
    }
}
