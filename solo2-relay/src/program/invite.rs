//! `invite`.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::json;
use solo2_relay::credential::{InviteId, InviteKey, MAX_LIFETIME};
use solo2_relay::invite::{Invite, Pin, Tls, Transport, TurnUri};
use solo2_server::command::{Failure, IO, USAGE};
use solo2_server::tls;

use crate::{InviteArgs, MOUTH, found_secret};

/// Makes an invite, or a credential from one.
pub(crate) fn invite(args: &InviteArgs) -> Result<(), Failure> {
    let secret = found_secret(&args.secret_file)?;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let lifetime = args.ttl.map(|ttl| ttl.as_secs());
    if lifetime == Some(0) {
        return Err(Failure::because(
            USAGE,
            "an invite needs a --ttl of a second at least",
        ));
    }
    let mut random = [0; 8];
    SysRng
        .try_fill_bytes(&mut random)
        .map_err(Failure::internal)?;
    let id = InviteId::new(
        lifetime.map(|lifetime| now.saturating_add(lifetime)),
        random,
    );
    let invite = reached_at(args, id, secret.invite_key(id))?;
    if args.turn_credential {
        let (username, password) = invite.credential(now, MAX_LIFETIME);
        let (username, password) = (username.to_string(), password.expose());
        let uris: Vec<String> = args.public.iter().map(TurnUri::to_uri).collect();
        let expires = timestamp(invite.credential(now, MAX_LIFETIME).0.expires);
        return MOUTH.say(
            args.json,
            &json!({
                "v": 1, "type": "turn.credential", "username": username, "password": password, "urls": uris,
                "expires_at": expires,
            }),
            &format!(
                "url       {}\nusername  {username}\npassword  {password}\nexpires   {expires}",
                uris.join(" ")
            ),
        );
    }
    let url = invite.to_url();
    let expires = id.ends().map(timestamp);
    if args.qr {
        let code = QrCode::new(url.as_bytes()).map_err(Failure::internal)?;
        // Light on dark with its quiet zone, so that it reads on dark and on light terminals.
        let drawn = code
            .render::<Dense1x2>()
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark)
            .build();
        MOUTH.say(false, &json!(null), &drawn)?;
    }
    MOUTH.say(
        args.json,
        &json!({"v": 1, "type": "relay.invite", "url": *url, "id": id.to_string(), "expires_at": expires}),
        &url,
    )?;
    if io::stdout().is_terminal() {
        MOUTH.note("who has this line may use the relay");
    }
    Ok(())
}

/// The invite, with the transports that --public names.
fn reached_at(args: &InviteArgs, id: InviteId, key: InviteKey) -> Result<Invite, Failure> {
    let at = |transport| {
        args.public
            .iter()
            .filter(move |uri| uri.transport == transport)
    };
    let port = |transport| at(transport).next().map(|uri| uri.port);
    let wrong = |what| Failure::because(USAGE, what);
    let [udp, tcp, tls] = [Transport::Udp, Transport::Tcp, Transport::Tls].map(port);
    let hosts = || args.public.iter().map(|uri| &uri.host);
    if [Transport::Udp, Transport::Tcp, Transport::Tls]
        .into_iter()
        .any(|transport| at(transport).count() > 1)
    {
        return Err(wrong("an invite names each transport once, at most"));
    }
    let Some(host) = hosts().next().filter(|host| hosts().all(|it| it == *host)) else {
        return Err(wrong("every --public of an invite names the same host"));
    };
    match host.is_onion() {
        true if udp.is_some() || tls.is_some() || tcp.is_none() => {
            return Err(wrong(
                "an onion service is reached over TCP alone: --public turn:NAME.onion:PORT?transport=tcp",
            ));
        }
        false if udp.is_none() => {
            return Err(wrong("an invite needs --public turn:HOST:PORT, for UDP"));
        }
        _ => {}
    }
    let pin = args.tls_cert.as_deref().map(tls::leaf).transpose();
    let pin = pin.map_err(|error| Failure::new(IO, error))?;
    let pin = pin.map(|certificate| Pin::of(&certificate));
    if pin.is_some() && tls.is_none() {
        return Err(wrong("--tls-cert goes with --public turns:HOST:PORT"));
    }
    Ok(Invite {
        id,
        key,
        host: host.clone(),
        udp,
        tcp,
        tls: tls.map(|port| Tls { port, pin }),
    })
}

fn timestamp(unix: u64) -> String {
    let time = UNIX_EPOCH
        .checked_add(Duration::from_secs(unix))
        .unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}
