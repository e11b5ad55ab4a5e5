"""How a process says how it is: the answers of /health and /health/ready."""

from pydantic import BaseModel, Field


class Alive(BaseModel):
    """The process runs."""

    status: str = Field(examples=["ok"])


class Readiness(BaseModel):
    """Whether questions are answered, and how each backing service is."""

    status: str = Field(
        description="`ok`, `degraded` (all is answered, more slowly) or `unavailable`.", examples=["ok"]
    )
    checks: dict[str, str] = Field(examples=[{"clickhouse": "ok", "redis": "ok", "store": "ok"}])
