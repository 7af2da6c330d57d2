"""What a person has: text files, folders and globs, files of rows, and standard input."""
