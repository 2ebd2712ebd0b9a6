"""A file of `tag`: its columns, and how to open one."""

VERSION = 1  # of the columns and of how they are worked out
META = b"busana"  # in the file's own notes: what it is of, as JSON
SURE, CHECK, OUTSIDE = "sure", "check", "outside"  # the column state
