"""The command line of tvsl: it parses, calls ``tvsl_core``, prints and exits. One command a file."""
