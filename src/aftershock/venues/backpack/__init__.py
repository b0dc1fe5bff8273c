"""Backpack's API: signed requests, markets of every type, market data as events."""
