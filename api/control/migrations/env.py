"""How alembic reaches the database: by the connection that api.control.migrate hands over."""

from alembic import context

from api.control.model import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
