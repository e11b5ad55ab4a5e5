"""Leads, and endpoints that are told who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = (
    ("organisation", "received", "id"),
    ("organisation", "id"),
    ("site", "received", "id"),
    ("site", "email_mark", "received"),
    ("site", "visitor", "received"),
    ("judged", "received"),
)


def upgrade() -> None:
    """Make the table of leads; no endpoint is told who they are."""
    op.create_table(
        "leads",
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("form", sa.String(200), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("session", sa.String(200), nullable=False),
        sa.Column("visitor", sa.String(200), nullable=False),
        sa.Column("is_linked", sa.Boolean(), nullable=False),
        sa.Column("honeypot", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("personal", sa.Text(), nullable=False),
        sa.Column("email_mark", sa.String(64), nullable=False),
        sa.Column("suspicion", sa.BigInteger(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("band", sa.String(16), nullable=False),
        sa.Column("judged", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_leads")),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_leads_site_sites")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisations.id"], name=op.f("fk_leads_organisation_organisations")
        ),
    )
    for columns in INDEXES:
        op.create_index(op.f(f"ix_leads_{'_'.join(columns)}"), "leads", list(columns))
    op.add_column("endpoints", sa.Column("unmasked", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop them with all they hold."""
    op.drop_column("endpoints", "unmasked")
    op.drop_table("leads")
