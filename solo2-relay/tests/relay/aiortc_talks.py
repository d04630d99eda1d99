"""aiortc, a Python implementation of WebRTC, through the relay: a data channel between two ends
that may use nothing else, over UDP, over TCP, and from one to the other.

    aiortc_talks.py HOST UDP_PORT TCP_PORT USERNAME < PASSWORD
"""

import asyncio
import sys

from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection

LEN = 1 << 18
MESSAGE = 1 << 14


async def gathered(end):
    while end.iceGatheringState != "complete":
        await asyncio.sleep(0.05)
    told = [line for line in end.localDescription.sdp.splitlines() if "candidate:" in line]
    assert told and all("typ relay" in line for line in told), told
    return end.localDescription


async def talk(*ways, username, credential):
    alice, bob = [
        RTCPeerConnection(
            RTCConfiguration(
                iceServers=[RTCIceServer(urls=way, username=username, credential=credential)],
                iceTransportPolicy=RTCIceTransportPolicy.RELAY,
            )
        )
        for way in ways
    ]
    opened, heard = asyncio.Queue(), [bytearray(), bytearray()]
    one = alice.createDataChannel("link")
    one.on("open", lambda: opened.put_nowait(one))
    one.on("message", heard[0].extend)

    @bob.on("datachannel")
    def arrived(channel):
        channel.on("message", heard[1].extend)
        opened.put_nowait(channel)

    await alice.setLocalDescription(await alice.createOffer())
    await bob.setRemoteDescription(await gathered(alice))
    await bob.setLocalDescription(await bob.createAnswer())
    await alice.setRemoteDescription(await gathered(bob))
    channels = [await opened.get(), await opened.get()]
    said = bytes(at * 7 & 255 for at in range(LEN))
    for channel in channels:
        for start in range(0, LEN, MESSAGE):
            channel.send(said[start : start + MESSAGE])
    while min(map(len, heard)) < LEN:
        await asyncio.sleep(0.05)
    assert heard == [said, said]
    await alice.close()
    await bob.close()


async def main():
    host, udp, tcp, username = sys.argv[1:]
    password = sys.stdin.readline().strip()
    ways = [f"turn:{host}:{udp}?transport=udp", f"turn:{host}:{tcp}?transport=tcp"]
    for offers in ways:
        for answers in ways:
            await talk(offers, answers, username=username, credential=password)
            print("ok", offers, answers)


asyncio.run(asyncio.wait_for(main(), 100))
