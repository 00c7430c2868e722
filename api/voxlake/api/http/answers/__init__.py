"""Answers: bodies that are made as they are sent, what describes them, and problems."""
