"""The delivery process: notices of the log to the endpoints that want them."""
