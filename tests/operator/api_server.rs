//! An API server that answers as a test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{Request as HttpRequest, Response};
use kube::{Client, Config};
use serde_json::{Value, json};

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
}

impl Request {
    pub fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }
}

/// What is answered.
pub enum Answer {
    Json(u16, String),
    /// A watch that brings nothing.
    Silence,
}

impl Answer {
    pub fn json(code: u16, value: &Value) -> Self {
        Self::Json(code, value.to_string())
    }

    /// An error.
    pub fn status(code: u16) -> Self {
        let reason = if code == 404 { "NotFound" } else { "" };
        let message = format!("says {code}");
        let status = json!({"kind": "Status", "status": "Failure", "code": code, "message": message, "reason": reason});
        Self::json(code, &status)
    }
}

/// A server, and what it was asked.
pub struct ApiServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl ApiServer {
    /// `answer` is told how often the same (but for its query's other parameters) was asked before.
    pub async fn start(answer: impl Fn(&Request, usize) -> Answer + Send + Sync + 'static) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (asked.clone(), Arc::new(answer));
        let counts = Arc::new(Mutex::new(BTreeMap::<_, usize>::new()));
        let router = Router::new().fallback(move |request: HttpRequest<Body>| {
            let (log, answer, counts) = (log.clone(), answer.clone(), counts.clone());
            async move {
                let uri = request.uri();
                let (path, query) = (uri.path().to_owned(), uri.query().unwrap_or_default().to_owned());
                let request = Request { method: request.method().to_string(), path, query };
                let nth = {
                    let key = (request.method.clone(), request.path.clone(), request.is_watch());
                    let mut counts = counts.lock().unwrap();
                    let count = counts.entry(key).or_default();
                    *count += 1;
                    *count - 1
                };
                log.lock().unwrap().push(request.clone());
                let (code, body) = match answer(&request, nth) {
                    Answer::Json(code, text) => (code, Body::from(text)),
                    Answer::Silence => {
                        (200, Body::from_stream(futures::stream::pending::<Result<String, std::io::Error>>()))
                    }
                };
                Response::builder().status(code).header("content-type", "application/json").body(body).unwrap()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }

    pub fn client(&self) -> Client {
        let mut config = Config::new(format!("http://{}", self.address).parse().unwrap());
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    /// Method and path of what was asked so far.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}
