"""What is personal of a lead: kept sealed, shown in whole or masked."""

from msgspec import Struct, field, structs

from pulse.leads.mask import mask_email, mask_name, mask_phone, mask_text

Value = str | int | float | bool | None
"""What a field of a form holds."""


class Personal(Struct, frozen=True, omit_defaults=True):
    """Who somebody is and what they wrote; what was not told is empty. `fields` are a form's others by their names."""

    name: str = ""
    email: str = ""
    phone: str = ""
    message: str = ""
    fields: dict[str, Value] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Personal(…)"

    def told(self, masked: bool) -> dict[str, object]:
        """The same as JSON, in whole or as little as tells one from another."""
        return structs.asdict(self.masked() if masked else self)

    def masked(self) -> "Personal":
        """As little of it as tells one from another; of what was written, and of other fields, nothing but that they are there."""
        return Personal(
            mask_name(self.name),
            mask_email(self.email),
            mask_phone(self.phone),
            mask_text(self.message),
            {name: mask_text(str(value)) for name, value in self.fields.items()},
        )


def domain_of(email: str) -> str:
    """The domain of an e-mail address, in lower case; empty for none."""
    return email.rpartition("@")[2].strip().lower() if "@" in email else ""


def same_email(email: str) -> str:
    """An e-mail address as it is compared: people write theirs in any case."""
    return email.strip().lower()
