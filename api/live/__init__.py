"""The live view: what happens now, sent to whoever watches, by WebSocket and as Server-Sent Events."""
