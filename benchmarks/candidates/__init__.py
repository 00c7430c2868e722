"""The candidates: one module for each library, one function for each benchmark."""
