"""Photos: from bytes to images, from a folder to a table of photos, its duplicates, split, pixels and corrections."""
