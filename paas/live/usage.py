"""What the proxy holds now, and what it turned away since it began."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`refused` connections found too many open; `pauses` of accepting were for want of
    descriptors, and `paused` says whether there is one now; `lost_lines` of the access
    log were never written.
    """

    connections: int = 0
    most_connections: int = 0
    websockets: int = 0
    refused: int = 0
    paused: bool = False
    pauses: int = 0
    lost_lines: int = 0
