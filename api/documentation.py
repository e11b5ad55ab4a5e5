"""The page /docs of an app, whole without any other host: a browser may be where nothing else is reached."""

from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

FILES = "/docs/files"
"""Where the page's own files lie."""


def documented_app(**settings: Any) -> FastAPI:
    """An app with FastAPI's settings whose /docs loads nothing from elsewhere, and asks nobody to judge its description."""
    return FastAPIOffline(
        redoc_url=None,
        static_url=FILES,
        favicon_url="data:,",
        swagger_ui_parameters={"validatorUrl": None},
        **settings,
    )
