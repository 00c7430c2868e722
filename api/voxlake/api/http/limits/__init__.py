"""Limits: what one account may have of requests, bytes, memory and threads."""
