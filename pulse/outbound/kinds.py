"""The kinds of notices that there are, and which of them is meant by a word that is none."""

from difflib import get_close_matches

KINDS = (
    *("alert.firing", "alert.resolved", "alert.no_data", "import.done", "lead.created", "lead.forwarded"),
    *("risk.high", "summary.minute", "summary.hour", "summary.day", "webhook.disabled", "webhook.test"),
)
FAMILIES = tuple(dict.fromkeys(kind.partition(".")[0] for kind in KINDS))
"""Each names all kinds that begin so."""
EVERY = "*"


def fault_of(kind: str) -> str:
    """Why a webhook cannot ask for a kind, empty if it can."""
    known = (*FAMILIES, *KINDS)
    if kind == EVERY or kind in known:
        return ""
    near = get_close_matches(kind, known, 1)
    return f"is no kind of notices; did you mean {near[0]}?" if near else f"is none of {', '.join((EVERY, *known))}"
