"""Fitting T-VSL's heads over frozen towers: from scenes to a file that ``--model`` accepts."""
