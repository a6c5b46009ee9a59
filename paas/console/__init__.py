"""The console: server-rendered pages over the control plane, for people who would rather look.

It only reads; every change goes through the HTTP API, which the pages' scripts call.
"""
