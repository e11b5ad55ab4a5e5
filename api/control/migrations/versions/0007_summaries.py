"""How far summaries were told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "summaries",
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("period", sa.String(16), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("taken_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "period", name=op.f("pk_summaries")),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], ondelete="CASCADE", name=op.f("fk_summaries_site_sites")),
    )


def downgrade() -> None:
    """Drop it with all it holds."""
    op.drop_table("summaries")
