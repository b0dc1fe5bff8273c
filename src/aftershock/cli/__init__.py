"""The command line: parses, calls `aftershock.app`, prints; it decides nothing and opens no input of its own."""
