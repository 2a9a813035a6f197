"""Manifests: every benchmark's annotation files become the same values, whatever their traps."""
