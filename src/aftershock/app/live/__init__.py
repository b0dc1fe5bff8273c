"""The live shell: events of sockets to the engine in the order of arrival, and its answers to the world, on paper."""
