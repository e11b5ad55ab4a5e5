"""Which attempts the store of events knows."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Mark all that were made before as yet to be told."""
    op.add_column("delivery_attempts", sa.Column("untold", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.create_index(op.f("ix_delivery_attempts_untold"), "delivery_attempts", ["untold"])


def downgrade() -> None:
    """Forget which were told."""
    op.drop_index(op.f("ix_delivery_attempts_untold"), "delivery_attempts")
    op.drop_column("delivery_attempts", "untold")
