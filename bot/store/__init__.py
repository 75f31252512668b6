"""The durable tables: the schema, its migrations, and SQLite."""

from bot.store.sqlite import SQLiteStore, StoreError

__all__ = ["SQLiteStore", "StoreError"]
