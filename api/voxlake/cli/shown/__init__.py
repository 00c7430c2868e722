"""How answers, progress and problems look on a terminal."""
