"""HTTP/1.1 as pure functions and values: parsing, framing and head rewriting."""
