"""The payments database as its rooms declare it, each in its `models`. The tables themselves come from migrations."""

from sqlalchemy import MetaData

metadata = MetaData()
