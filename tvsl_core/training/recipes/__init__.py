"""Settings of whole runs that ship with tvsl.

- ``catalog``: which there are, by name;
- ``*.toml``: one recipe each: the section ``[train]`` of a configuration file, and ``[evaluate]`` where it says on
  which benchmark the paper's table stands.
"""
