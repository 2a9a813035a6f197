"""Files in, arrays out, and back. No torch."""
