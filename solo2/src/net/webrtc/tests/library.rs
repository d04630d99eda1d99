//! Our channel against a whole WebRTC end in Rust, the crate `webrtc`: its own ICE and SDP
//! above the DTLS and SCTP that we use, too.

use ::webrtc::data_channel::{DataChannelEvent, RTCDataChannelInit};
use ::webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
    RTCSessionDescription,
};

use super::sdp::{to_sdp, to_signal};
use super::*;
use crate::net::direct::tests::config;

/// Says when all candidates are known.
struct Gathered(Arc<Notify>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Gathered {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.0.notify_one();
        }
    }
}

/// An end that sends back what it gets, and what it needs to be told and tells.
struct Echo {
    end: Box<dyn PeerConnection>,
    gathered: Arc<Notify>,
}

impl Echo {
    async fn start() -> Self {
        let gathered = Arc::new(Notify::new());
        let end = PeerConnectionBuilder::new()
            .with_handler(Arc::new(Gathered(gathered.clone())))
            .with_udp_addrs(vec!["127.0.0.1:0"])
            .build()
            .await
            .expect("an end");
        let agreed = RTCDataChannelInit {
            negotiated: Some(0),
            ..RTCDataChannelInit::default()
        };
        let channel = end.create_data_channel("", Some(agreed)).await;
        let channel = channel.expect("a channel");
        tokio::spawn(async move {
            while let Some(event) = channel.poll().await {
                if let DataChannelEvent::OnMessage(message) = event
                    && !message.data.is_empty()
                {
                    channel.send(message.data).await.expect("sends");
                }
            }
        });
        Self {
            end: Box::new(end),
            gathered,
        }
    }

    async fn hear(&self, theirs: RTCSessionDescription) {
        let heard = self.end.set_remote_description(theirs).await;
        heard.expect("a description");
    }

    /// Its offer or, when it has heard one, its answer.
    async fn say(&self, answers: bool) -> String {
        let said = match answers {
            true => self.end.create_answer(None).await,
            false => self.end.create_offer(None).await,
        };
        let said = self.end.set_local_description(said.expect("words"));
        said.await.expect("a description");
        let all = timeout(Duration::from_secs(20), self.gathered.notified());
        all.await.expect("candidates");
        self.end.local_description().await.expect("words").sdp
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_implementation_meets_our_channel_in_both_roles() {
    const LEN: usize = MIB + 7;
    for role in [Role::Controlling, Role::Controlled] {
        let echo = Echo::start().await;
        let (out, mut signals) = mpsc::channel(4);
        let (to_us, incoming) = mpsc::channel(4);
        let ours = match role {
            Role::Controlling => {
                let ours = tokio::spawn(connect(config(role, None), out, incoming));
                let offer = signals.recv().await.expect("an offer");
                let sdp = RTCSessionDescription::offer(to_sdp(&offer));
                echo.hear(sdp.expect("it reads")).await;
                let answer = to_signal(&echo.say(true).await, *offer.link(), false);
                to_us.send(answer).await.expect("it is awaited");
                ours
            }
            Role::Controlled => {
                let offer = to_signal(&echo.say(false).await, [3; 16], true);
                let ours = tokio::spawn(connect(config(role, Some(offer)), out, incoming));
                let answer = signals.recv().await.expect("an answer");
                let sdp = RTCSessionDescription::answer(to_sdp(&answer));
                echo.hear(sdp.expect("it reads")).await;
                ours
            }
        };
        let link = ours.await.expect("no panic");
        let link = link.unwrap_or_else(|error| panic!("{role:?}: {error}"));
        let (mut recv, mut send) = tokio::io::split(link.bytes);
        let bytes = pattern(LEN, 5);
        let mut back = vec![0; LEN];
        let (wrote, read) = tokio::join!(send.write_all(&bytes), recv.read_exact(&mut back));
        wrote.unwrap_or_else(|error| panic!("{role:?}: {error}"));
        read.unwrap_or_else(|error| panic!("{role:?}: {error}"));
        assert!(back == bytes, "{role:?}: every byte came back");
        echo.end.close().await.expect("it ends");
    }
}
