"""What is asked and changed of people: each function takes an `Asker`, and says who may."""
