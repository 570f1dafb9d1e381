"""A small virtual network on which programs really run.

A `Node` has ports, and programs at the hooks that frames pass: XDP, traffic control,
cgroups, socket filters, the entries of devmaps and cpumaps.  Programs are verified before
they are loaded, replaced under traffic with no frame seeing half of a change, and share
maps by name with each other and with Python.  A `Network` wires nodes port to port under
one virtual clock.  For one program alone there is the `Runner`.

>>> from bpfsmt.program import load_asm
>>> network = Network()
>>> client, server = network.add(Node("client")), network.add(Node("server"))
>>> network.wire((client, 1), (server, 1))
>>> server.attach(Hook.XDP, 1, server.load(load_asm("r0 = 1\\nexit", "drop")))
>>> _ = client.send(1, bytes(60))
>>> network.run()
1
>>> [(end.kind, end.where) for end in network.journeys[0].ends]
[('dropped', 'XDP_DROP')]

Frames are bytes: `frames` builds them, `traffic` makes many, `fields`, `compare` and
`checksums` read them, `capture` reads and writes pcap files.  These modules need the
extra ``packets``.
"""

from bpfsmt.network.control import Control, NodeMap
from bpfsmt.network.hooks import Hook, Place
from bpfsmt.network.journey import End, Journey, Verdict
from bpfsmt.network.loaded import Loaded, RejectedError
from bpfsmt.network.node import Node, Port
from bpfsmt.network.runner import Ran, Runner
from bpfsmt.network.sockets import Socket
from bpfsmt.network.wires import Network

__all__ = [
    "Control",
    "End",
    "Hook",
    "Journey",
    "Loaded",
    "Network",
    "Node",
    "NodeMap",
    "Place",
    "Port",
    "Ran",
    "RejectedError",
    "Runner",
    "Socket",
    "Verdict",
]
