//! The opening handshake: HTTP/1.1, one request per connection, upgraded to a
//! WebSocket or answered and closed.
//!
//! A browser always sends `Origin` with a WebSocket, and no Solo2 client does:
//! so a request with one comes from a web page, and is refused.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;

use super::Shared;
use super::connection;
use super::tls::Scrubbed;
use crate::wire::{PATH, SUBPROTOCOL};

/// Longest request head in bytes.
const HEAD_LEN: usize = 8192;
/// Most header fields.
const HEADERS: usize = 64;
/// How long TLS may take, and how long HTTP may take after it.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Serves one TCP connection from its first byte to its last.
pub(super) async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: &Shared) {
    let Some(acceptor) = tls else {
        return serve_http(stream, shared).await;
    };
    let accepted = tokio::select! {
        () = shared.stopped() => return,
        accepted = timeout(HANDSHAKE, acceptor.accept(Scrubbed::new(stream))) => accepted,
    };
    if let Ok(Ok(stream)) = accepted {
        serve_http(stream, shared).await;
    }
}

async fn serve_http<S>(stream: S, shared: &Shared)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgrade = Arc::new(Mutex::new(None));
    let service = service_fn(|request| {
        let response = answer(request, &upgrade);
        async move { Ok::<_, Infallible>(response) }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HANDSHAKE)
        .max_header_size(HEAD_LEN)
        .max_buf_size(HEAD_LEN)
        .max_headers(HEADERS)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let served = tokio::select! {
        () = shared.stopped() => return,
        served = timeout(HANDSHAKE, http) => served,
    };
    let granted: Option<OnUpgrade> = upgrade
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let (Ok(Ok(())), Some(granted)) = (served, granted) else {
        return;
    };
    let Ok(Ok(upgraded)) = timeout(HANDSHAKE, granted).await else {
        return;
    };
    let Ok(parts) = upgraded.downcast::<TokioIo<S>>() else {
        return;
    };
    // A client has nothing to say before it has seen the answer.
    if parts.read_buf.is_empty() {
        connection::serve(parts.io.into_inner(), shared).await;
    }
}

fn answer(mut request: Request<Incoming>, upgrade: &Mutex<Option<OnUpgrade>>) -> Response<String> {
    if request.headers().contains_key(ORIGIN) {
        return plain(StatusCode::FORBIDDEN, "not for web pages\n");
    }
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "");
    }
    match request.uri().path() {
        "/health" => {
            let mut response = plain(
                StatusCode::OK,
                "{\"v\":1,\"type\":\"health\",\"status\":\"ok\"}\n",
            );
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        PATH => {
            if !offers_subprotocol(&request) {
                return plain(StatusCode::BAD_REQUEST, "unknown subprotocol\n");
            }
            let Ok(mut response) = create_response_with_body(&request, String::new) else {
                return upgrade_required();
            };
            response.headers_mut().insert(
                SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(SUBPROTOCOL),
            );
            *upgrade.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(hyper::upgrade::on(&mut request));
            response
        }
        _ => plain(StatusCode::NOT_FOUND, ""),
    }
}

fn offers_subprotocol(request: &Request<Incoming>) -> bool {
    request
        .headers()
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| offer.trim() == SUBPROTOCOL)
}

fn plain(status: StatusCode, body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

fn upgrade_required() -> Response<String> {
    let mut response = plain(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket\n");
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        HeaderName::from_static("sec-websocket-version"),
        HeaderValue::from_static("13"),
    );
    response
}
