"""The page of a platform: a read-only web server, and the files of its page."""
