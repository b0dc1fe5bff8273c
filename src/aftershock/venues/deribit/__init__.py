"""Deribit's own market data: its JSON-RPC notifications as events."""
