"""What sites may keep of visitors, how far sessions of a high risk were told of, and since when endpoints ask for them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sites that are there keep what they kept."""
    op.add_column("sites", sa.Column("mode", sa.String(16), nullable=False, server_default="standard"))
    op.add_column("endpoints", sa.Column("risks_since", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "risk_told",
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_risk_told")),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], ondelete="CASCADE", name=op.f("fk_risk_told_site_sites")),
    )


def downgrade() -> None:
    """Forget all that."""
    op.drop_table("risk_told")
    op.drop_column("endpoints", "risks_since")
    op.drop_column("sites", "mode")
