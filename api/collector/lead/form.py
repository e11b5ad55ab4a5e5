"""From a form that somebody sent to a lead that is kept and an event that tells of it."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import json

from api.collector import media
from api.collector.answer import Problem, invalid
from api.collector.decode import Decoded, Incoming
from api.collector.form import Form, Sent
from api.collector.ids import ENTROPY_BITS, uuid7
from api.collector.lead.bodies import EMAIL, MAX_FIELDS, LeadForm, LeadKept
from api.collector.lead.extra import demand_fields
from api.collector.lead.names import in_own_words, together
from api.collector.lead.parts import in_parts
from api.collector.stamp import Entropy, Receipt
from api.collector.undecodable import bare_surrogates, said
from api.control.leads import NewLead
from pulse.leads.personal import Personal, Value
from pulse.mode import ANONYMOUS
from pulse.undecoded import UNDECODABLE, fault_of

PATH = "/lead"
EVENT = "lead"
MAX_BYTES = 64 * 1024
OK = 200
ENCODED = "application/x-www-form-urlencoded"
IN_PARTS = "multipart/form-data"
LONGEST_PAGE = 2_000
CLEANED = ("name", "email", "phone", "message", "form", "page", "referrer", "session_id", "visitor_id")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What may not stand in a text: control characters but tab and newline, and what turns the order of letters around."""
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@")
BOM = b"\xef\xbb\xbf"
MOST_PAIRS = 2 * MAX_FIELDS

_object = json.Decoder(dict[str, Any])


def is_lines(content_type: bytes) -> bool:
    """Whether it is in parts, which are not told from a form that is encoded; raises Problem 415 for any other type."""
    named = content_type.decode("latin-1").partition(";")[0].strip().lower()
    if named in media.JSON_TYPES or named in (ENCODED, IN_PARTS):
        return named == IN_PARTS
    raise Problem(
        415,
        "unsupported_media_type",
        f"content type {named[:100]!r} is not taken: send application/json, {ENCODED}, {IN_PARTS} or text/plain",
    )


def read(body: bytes, lines: bool, receipt: Receipt, entropy: Entropy) -> Sent:
    """A form as JSON or as pages encode it by themselves, in parts if `lines` says so; raises Problem 400 naming the field at fault."""
    form = _form(body, lines)
    lead_id = (form.lead_id or uuid7(receipt.received_at, entropy(ENTROPY_BITS))).lower()
    is_denied = _is_denied(form, receipt)
    is_linked = not is_denied and receipt.mode != ANONYMOUS
    if not is_linked:
        form.session_id = form.visitor_id = ""
    content = json.encode(LeadKept(lead_id, receipt.received_at))
    lead = _lead(form, lead_id, receipt, is_linked)
    return Sent(Decoded([_event(form, lead_id, is_denied)], range(1)), lambda _, __: content, lead)


def _is_denied(form: LeadForm, receipt: Receipt) -> bool:
    """Whether the visitor does not want to be followed; the browser's no stands until they say otherwise."""
    if form.consent is not None:
        return form.consent == "denied"
    return receipt.unwilling and not receipt.secret


def _form(body: bytes, is_in_parts: bool) -> LeadForm:
    try:
        own = in_own_words(in_parts(body) if is_in_parts else _fields(bare_surrogates(body)))
        demand_fields(own.get("fields"))
        form = msgspec.convert(own, LeadForm)
    except UNDECODABLE as error:
        fault = fault_of(error)
        if fault.field is None:
            raise Problem(400, "malformed", f"the body is not what is sent here: {said(error)}") from None
        raise invalid(fault.field, fault.what) from None
    for name in CLEANED:
        setattr(form, name, _clean(getattr(form, name)))
    if form.email and not EMAIL.fullmatch(form.email):
        raise invalid("email", "is not an e-mail address")
    if not any((form.name, form.email, form.phone, form.message)):
        raise invalid("email", "is missing, and so are name, phone and message: one must be there")
    return form


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[", b'"', b"")


def _fields(body: bytes) -> dict[str, Any]:
    body = body.removeprefix(BOM)
    if _is_json(body):
        return _object.decode(body)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_PAIRS)
    except UnicodeDecodeError:
        raise Problem(400, "malformed", "the body is neither JSON nor what a form sends by itself, in UTF-8") from None
    except ValueError:
        raise invalid("fields", f"are more than the {MOST_PAIRS} that a form may send") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return dict(found)


def _lead(form: LeadForm, lead_id: str, receipt: Receipt, is_linked: bool) -> NewLead:
    return NewLead(
        id=lead_id,
        site=receipt.site_id,
        received=receipt.received_at,
        form=form.form,
        page=_bare(form.page).partition("?")[0][:LONGEST_PAGE],
        session=form.session_id,
        visitor=form.visitor_id,
        is_linked=is_linked,
        honeypot=bool(form.honeypot.strip()),
        seconds=form.seconds,
        personal=Personal(
            form.name,
            form.email,
            form.phone,
            form.message,
            together((_clean(name), _plain(value)) for name, value in form.fields.items()),
        ),
    )


def _event(form: LeadForm, lead_id: str, is_denied: bool) -> Incoming:
    """What reports and alert rules count: that there was a lead, and nothing of who it is."""
    return Incoming(
        event=EVENT,
        event_id=lead_id,
        session_id=form.session_id or None,
        visitor_id=form.visitor_id or None,
        url=_bare(form.page) or None,
        referrer=_bare(form.referrer) or None,
        consent="denied" if is_denied else form.consent,
        properties={"form": form.form} if form.form else None,
    )


def _bare(address: str) -> str:
    """An address without what may say who somebody is: of its query only the campaign stays."""
    path, _, query = _USER.sub(r"\1//", address.partition("#")[0]).partition("?")
    campaign = "&".join(each for each in query.split("&") if each.lower().startswith("utm_"))
    return f"{path}?{campaign}" if campaign else path


def _clean(text: str) -> str:
    return _CONTROL.sub("", text.replace("\r\n", "\n")).strip()


def _plain(value: Value) -> Value:
    return _clean(value) if isinstance(value, str) else value


Read = Callable[[bytes, bool, Receipt, Entropy], Sent]

LEAD = Form(read, MAX_BYTES, OK, is_lines, waits=False)
"""A form that somebody sent."""
