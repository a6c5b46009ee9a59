"""Measurements of the proxy and the daemon beside nginx, HAProxy and Caddy."""
