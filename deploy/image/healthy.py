"""The container's health check: `python -m deploy.image.healthy PORT` exits 0 if the process on that port is ready."""

import sys
from http.client import HTTPConnection, HTTPException


def is_ready(port: int) -> bool:
    """Whether /health/ready answers 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(int(sys.argv[1])) else 1)
