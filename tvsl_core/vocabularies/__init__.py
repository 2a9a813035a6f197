"""Class lists that ship with tvsl, and how files of classes are read; ``tvsl_core.vocabulary`` makes values of them."""
