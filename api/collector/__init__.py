"""The collector: takes events over HTTP and puts them into the raw log, a 202 meaning that the log has them."""
