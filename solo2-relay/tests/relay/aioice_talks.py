"""aioice, a Python implementation of ICE and TURN, through the relay: over UDP, TCP and TLS, each
with each, and ICE itself with relayed candidates alone.

    aioice_talks.py HOST UDP_PORT TCP_PORT TLS_PORT CERTIFICATE USERNAME < PASSWORD
"""

import asyncio
import ssl
import sys

from aioice import Candidate, Connection, TransportPolicy
from aioice.turn import create_turn_endpoint


class Ear(asyncio.DatagramProtocol):
    def __init__(self):
        self.heard = asyncio.Queue()

    def datagram_received(self, data, address):
        self.heard.put_nowait((data, address))


async def main():
    host, udp, tcp, tls, certificate, username = sys.argv[1:]
    password = sys.stdin.readline().strip()
    trust = ssl.create_default_context(cafile=certificate)
    ways = {
        "udp": dict(server_addr=(host, int(udp)), transport="udp"),
        "tcp": dict(server_addr=(host, int(tcp)), transport="tcp"),
        "tls": dict(server_addr=(host, int(tls)), transport="tcp", ssl=trust),
    }
    ends = {}
    for name, way in ways.items():
        ends[name] = await create_turn_endpoint(Ear, username=username, password=password, **way)
    relayed = {name: transport.get_extra_info("sockname") for name, (transport, _) in ends.items()}
    # The first datagram binds the channel of its sender; the receiver lets nobody in before its own.
    for one in ends:
        for other in ends:
            ends[one][0].sendto(b"open", relayed[other])
    await asyncio.sleep(1)
    for _, ear in ends.values():
        while not ear.heard.empty():
            ear.heard.get_nowait()
    for one in ends:
        for other in ends:
            for size in (0, 1, 3, 1200):
                ends[one][0].sendto(bytes([size % 251]) * size, relayed[other])
                data, address = await asyncio.wait_for(ends[other][1].heard.get(), 10)
                assert data == bytes([size % 251]) * size, (one, other, size)
                assert address == relayed[one], (one, other, address)
    for transport, _ in ends.values():
        transport.close()
    print("turn ok")

    def side(controlling, way):
        return Connection(
            ice_controlling=controlling,
            turn_server=way["server_addr"],
            turn_username=username,
            turn_password=password,
            turn_transport=way["transport"],
            turn_ssl=way.get("ssl", False),
            transport_policy=TransportPolicy.RELAY,
        )

    alice, bob = side(True, ways["udp"]), side(False, ways["tcp"])
    for one in (alice, bob):
        await one.gather_candidates()
        assert [candidate.type for candidate in one.local_candidates] == ["relay"]
    for one, other in ((alice, bob), (bob, alice)):
        for candidate in other.local_candidates:
            await one.add_remote_candidate(Candidate.from_sdp(candidate.to_sdp()))
        await one.add_remote_candidate(None)
        one.remote_username, one.remote_password = other.local_username, other.local_password
    await asyncio.gather(alice.connect(), bob.connect())
    await alice.send(b"hello")
    assert await bob.recv() == b"hello"
    await bob.send(b"and back")
    assert await alice.recv() == b"and back"
    await alice.close()
    await bob.close()
    print("ice ok")


asyncio.run(asyncio.wait_for(main(), 60))
