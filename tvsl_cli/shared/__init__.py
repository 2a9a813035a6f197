"""What several commands share.

- ``config_file``: settings from a TOML file: defaults < file (``--config``) < command line;
- ``limits``: options that raise or lower what a file may claim to be; every command that reads videos has them;
- ``logs``: log records of the library, shown to people and kept in a file;
- ``options``: a command's options, derived from the fields of its request;
- ``settings``: which value holds: defaults < configuration file < command line;
- ``terminal``: what people see: one console on standard error, and text that cannot play tricks on a terminal.
"""
