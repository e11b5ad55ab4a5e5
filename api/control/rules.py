"""Alert rules, as they are stored."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from api.control.database import Database
from api.control.model import AlertRule, Site
from pulse.alerting.rule import CATCH_UP, MOST_GROUPS, OF_STORE, Rule
from pulse.errors import Conflict, NotFound

CHANGEABLE = frozenset({"name", "definition", "enabled", "muted", "snoozed_until"})
BEGIN_ANEW = frozenset({"definition", "enabled"})
"""With these a rule begins to look anew, from the minute of the change on."""
MOST_OF_A_SITE = 1_000
MOST_OF_STORE = 50
MOST_NUMBERS = 25_000_000
"""That the series of a site's rules may hold: one site must not take the memory of all. 100 MB, for revenue and rates up to 300."""


class Rules:
    """The rules of all organisations; every question names whose. Raises Unavailable, NotFound, Conflict."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, organisation: str, site: str | None, limit: int, after: str = "") -> Sequence[AlertRule]:
        """At most `limit` rules, by id, beyond the id `after`; of one site only, if given."""
        wanted = _of(organisation, site).where(AlertRule.id > after).order_by(AlertRule.id).limit(limit)
        with self._database.read() as session:
            return session.scalars(wanted).all()

    def get(self, organisation: str, site: str | None, rule_id: str) -> AlertRule:
        """A rule; one of the site, if a site is given."""
        with self._database.read() as session:
            return _found(session, organisation, site, rule_id)

    def create(self, organisation: str, site: str, values: Mapping[str, Any], now: int) -> AlertRule:
        """A new rule of a site; raises NotFound if there is no such site, Conflict if it has too many."""
        with self._database.write() as session:
            _demand_site(session, organisation, site)
            ids = session.scalars(_of(organisation, site).with_only_columns(AlertRule.id).limit(MOST_OF_A_SITE)).all()
            if len(ids) >= MOST_OF_A_SITE:
                raise Conflict(f"the site {site!r} has {MOST_OF_A_SITE} rules already: remove one first")
            _demand_parent(session, organisation, site, values, None)
            _demand_memory(session, organisation, site, values)
            _demand_few_of_store(session, organisation, site, values)
            kept = {"enabled": True, "muted": False} | _changeable(values)
            made = AlertRule(
                id=f"rule_{uuid4().hex[:16]}", organisation=organisation, site=site, created=now, changed=now, **kept
            )
            session.add(made)
        return made

    def change(
        self, organisation: str, site: str | None, rule_id: str, values: Mapping[str, Any], now: int
    ) -> AlertRule:
        """A rule with some of its values set anew."""
        with self._database.write() as session:
            rule = _found(session, organisation, site, rule_id)
            new = {name: value for name, value in _changeable(values).items() if getattr(rule, name) != value}
            if "definition" in new:
                _demand_parent(session, organisation, rule.site, values, rule_id)
                _demand_memory(session, organisation, rule.site, values, rule)
                _demand_few_of_store(session, organisation, rule.site, values, rule)
            for name, value in new.items():
                setattr(rule, name, value)
            if BEGIN_ANEW & set(new):
                rule.changed = now
        return rule

    def archive(self, organisation: str, site: str | None, rule_id: str, now: int) -> AlertRule:
        """Remove a rule: it watches no longer, and what it told stays. Raises Conflict while others depend on it."""
        with self._database.write() as session:
            rule = _found(session, organisation, site, rule_id)
            if children := _children(session, organisation, rule.site, rule_id):
                raise Conflict(f"the rule {children[0]} depends on it: change that first")
            rule.archived = now
        return rule

    def every(self) -> Sequence[AlertRule]:
        """All rules of all organisations, removed ones too."""
        with self._database.read() as session:
            return session.scalars(select(AlertRule).order_by(AlertRule.id)).all()

    def public(self, rule_id: str) -> dict[str, Any] | None:
        """A rule as `pulse.config` carries it, None if there is none."""
        with self._database.read() as session:
            rule = session.get(AlertRule, rule_id)
            return None if rule is None else rule.public()


def _of(organisation: str, site: str | None) -> Select[AlertRule]:
    wanted = select(AlertRule).join(Site, Site.id == AlertRule.site)
    wanted = wanted.where(AlertRule.organisation == organisation, AlertRule.archived.is_(None), Site.archived.is_(None))
    return wanted if site is None else wanted.where(AlertRule.site == site)


def _found(session: Session, organisation: str, site: str | None, rule_id: str) -> AlertRule:
    rule = session.scalar(_of(organisation, site).where(AlertRule.id == rule_id))
    if rule is None:
        raise NotFound(f"there is no alert rule {rule_id!r}")
    return rule


def _demand_site(session: Session, organisation: str, site_id: str) -> None:
    site = session.get(Site, site_id)
    if site is None or site.organisation != organisation or site.archived is not None:
        raise NotFound(f"there is no site {site_id!r}")


def _demand_parent(
    session: Session, organisation: str, site: str, values: Mapping[str, Any], rule_id: str | None
) -> None:
    """A rule that another depends on depends on none itself, so that there is no circle and no chain."""
    parent = values.get("definition", {}).get("depends_on")
    if parent is None:
        return
    if parent == rule_id:
        raise Conflict("a rule cannot depend on itself")
    if _found(session, organisation, site, parent).definition.get("depends_on"):
        raise Conflict(f"the rule {parent} depends on another itself: depend on that one")
    if rule_id is not None and _children(session, organisation, site, rule_id):
        raise Conflict("other rules depend on this one: it cannot depend on another")


def _demand_memory(
    session: Session, organisation: str, site: str, values: Mapping[str, Any], old: AlertRule | None = None
) -> None:
    """A rule, new or in place of an old one, must leave the site within its bound; one that takes no more always may."""
    wanted = _numbers(values["definition"])
    if old is not None and wanted <= _numbers(old.definition):
        return
    others = [rule.definition for rule in session.scalars(_of(organisation, site)) if rule is not old]
    if sum(map(_numbers, others)) + wanted > MOST_NUMBERS:
        raise Conflict(
            f"the rules of the site {site!r} would look at too many minutes and groups: remove one, shorten a window, or leave out a group_by"
        )


def _demand_few_of_store(
    session: Session, organisation: str, site: str, values: Mapping[str, Any], old: AlertRule | None = None
) -> None:
    """Rules that read the stored events at each look must be few."""
    others = [rule.definition for rule in session.scalars(_of(organisation, site)) if rule is not old]
    if _is_of_store(values["definition"]) and sum(map(_is_of_store, others)) >= MOST_OF_STORE:
        raise Conflict(
            f"the site {site!r} has {MOST_OF_STORE} rules on {', '.join(OF_STORE)} already, which read its events at each look: remove one first"
        )


def _is_of_store(definition: Mapping[str, Any]) -> bool:
    return definition["metric"] in OF_STORE


def _numbers(definition: Mapping[str, Any]) -> int:
    """How many numbers the series of a rule may hold."""
    rule = Rule.model_validate(definition)
    if not rule.is_of_minutes:
        return CATCH_UP * (MOST_GROUPS if rule.group_by else 1)
    return (rule.reach + CATCH_UP) * (MOST_GROUPS if rule.group_by else 1)


def _children(session: Session, organisation: str, site: str, rule_id: str) -> list[str]:
    every = session.scalars(_of(organisation, site)).all()
    return [rule.id for rule in every if rule.definition.get("depends_on") == rule_id]


def _changeable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in CHANGEABLE}
