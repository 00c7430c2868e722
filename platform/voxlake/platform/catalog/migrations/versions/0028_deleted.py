"""Until when what was deleted can be brought back; and audits that are kept for a while alone."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add the column and the table, and let entries of the audit go that the table says are old."""
    op.add_column("nodes", sa.Column("purge_at", _MOMENT))
    op.create_index("ix_nodes_purge_at", "nodes", ["purge_at"])
    op.create_table(
        "audit_horizon",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("until", _MOMENT, nullable=False),
    )
    old = "SELECT 1 FROM audit_horizon WHERE OLD.at < audit_horizon.until"
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_no_delete")
        op.execute(
            f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT EXISTS ({old}) "
            "BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"
        )
        return
    op.execute("DROP TRIGGER audit_stays ON audit")
    op.execute(
        "CREATE TRIGGER audit_stays BEFORE UPDATE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_stays()"
    )
    op.execute(
        "CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NOT EXISTS ({old}) THEN "
        "RAISE EXCEPTION 'the audit is only added to'; END IF; RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit "
        "FOR EACH ROW EXECUTE FUNCTION audit_is_kept()"
    )
