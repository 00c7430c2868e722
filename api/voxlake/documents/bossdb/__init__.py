"""bossDB's documents, as its clients and its ingest know them."""
