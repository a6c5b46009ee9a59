"""What one peer may use of us: sizes in bytes, times in seconds.

A limit is part of the parser that enforces it; the proxy adds the times.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`None` means no limit. The defaults suit a public listener."""

    head_bytes: int = 32 * 1024
    uri_bytes: int = 8 * 1024
    headers: int = 100
    chunk_line_bytes: int = 4 * 1024
    chunk_extension_bytes: int = 4 * 1024
    trailer_bytes: int = 8 * 1024
    body_bytes: int | None = None
    response_head_bytes: int = 64 * 1024
    response_headers: int = 500
    interim_responses: int = 8

    hold_bytes: int = 64 * 1024
    """Most of a request's body (or of pipelined requests) read before it can go on."""
    connections: int = 10_000
    connections_per_address: int | None = None
    requests_per_service: int | None = None
    """Most in flight or queued for one service, WebSockets among them."""
    tunnels_per_service: int | None = None
    tunnel_seconds: float | None = 86400.0
    """A tunnel's greatest age; a silent one ends earlier."""
    tries: int = 3
    """Replicas asked for a connection before a request is given up."""
    pool_size: int = 128
    """Most idle connections kept to one replica."""

    handshake_seconds: float = 10.0
    """From accepting a connection to the end of its TLS handshake."""
    head_seconds: float = 10.0
    """From a request's first byte to the end of its head."""
    keepalive_seconds: float = 75.0
    last_call_seconds: float = 1.0
    """What of `keepalive_seconds` is left while the proxy drains: a request that is on its
    way to an idle connection must still find it."""
    body_seconds: float = 30.0
    """Longest silence within a request's body; a slow body must also keep `body_rate`."""
    body_rate: int = 256
    """Least bytes per second of a request's body, averaged."""
    write_seconds: float = 60.0
    """Longest time a client may leave a full send buffer untouched."""
    pause_seconds: float = 30.0
    """Longest time a request waits for the end of its service's pause."""
    pause_requests: int = 1000
    """Most requests that wait so for one service; more are refused."""
    connect_seconds: float = 5.0
    pool_seconds: float = 4.0
    """Idle time of a pooled connection: below the 5 s after which common servers close."""
    linger_seconds: float = 2.0
    """How long the rest of an unread request is swallowed so that its answer arrives."""
    tick_seconds: float = 0.25
    """How often deadlines are looked at, hence their precision."""
