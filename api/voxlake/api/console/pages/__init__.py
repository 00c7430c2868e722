"""How a page is made: from a template, with its style; and errors as pages."""
