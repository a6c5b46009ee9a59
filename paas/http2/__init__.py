"""HTTP/2 as bytes and values, without sockets: framing, heads, one connection's state."""
