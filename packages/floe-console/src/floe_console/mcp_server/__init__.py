"""The MCP server of a platform: read-only tools over the data of the page."""
