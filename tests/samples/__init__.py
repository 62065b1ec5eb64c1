"""Small files of other programs, and writers of files that the tests make themselves."""
