"""The discipline of a connection, one for every venue: deadlines, back-off, heartbeats, gaps, resync. No venue's words.

What it promises: each frame that the socket delivered is handed on exactly once, in order; everything else lies inside
a gap whose bounds are receive times of ours. A frame that was dropped or could not be read is a gap of its own.
"""

from __future__ import annotations
