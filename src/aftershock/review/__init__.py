"""The second opinion: a gateway to language models with a deadline, a budget and a memory."""
