"""What somebody decided about who is behind a visitor."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "identity_corrections",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("visitor", sa.String(200), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("unlinked", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_corrections")),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_identity_corrections_site_sites")),
    )
    op.create_index(op.f("ix_identity_corrections_site_at"), "identity_corrections", ["site", "at"], unique=True)


def downgrade() -> None:
    """Drop it with all it holds."""
    op.drop_table("identity_corrections")
