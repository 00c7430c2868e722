"""What is asked and changed of places: each function takes what the guard granted."""
