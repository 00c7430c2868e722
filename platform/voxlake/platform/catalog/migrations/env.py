"""Alembic's entry: run the migrations on the connection that `migrate` hands over."""

from alembic import context

# Alembic gives the context its configuration; without one the file is only being looked at.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"])
    with context.begin_transaction():
        context.run_migrations()
