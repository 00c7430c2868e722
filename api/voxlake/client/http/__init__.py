"""How a gateway is asked: connections, tokens, answers received."""
