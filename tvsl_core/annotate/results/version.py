"""Which version of the columns of tables this program writes."""

SCHEMA_VERSION = "2"
"""Tables of another version are read, and made anew by the next run; those of the first one had no events."""
