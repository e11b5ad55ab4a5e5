"""What was said of faults, and retention as it was in the night."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_resolutions()
    op.create_table(
        "retention_snapshots",
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("unit", sa.String(16), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("taken_until", sa.BigInteger(), nullable=False),
        sa.Column("made", sa.BigInteger(), nullable=False),
        sa.Column("begins", sa.JSON(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("mark", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("site", "unit", name=op.f("pk_retention_snapshots")),
        sa.ForeignKeyConstraint(
            ["site"], ["sites.id"], ondelete="CASCADE", name=op.f("fk_retention_snapshots_site_sites")
        ),
    )


def downgrade() -> None:
    """Drop them with all they hold."""
    for table in ("retention_snapshots", "fault_resolutions"):
        op.drop_table(table)


def _make_resolutions() -> None:
    op.create_table(
        "fault_resolutions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("release", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault_resolutions")),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_fault_resolutions_site_sites")),
    )
    op.create_index(op.f("ix_fault_resolutions_site_at"), "fault_resolutions", ["site", "at"], unique=True)
    op.create_index(
        op.f("ix_fault_resolutions_site_fingerprint_at"), "fault_resolutions", ["site", "fingerprint", "at"]
    )
