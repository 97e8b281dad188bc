"""Compare a product's ports with a document of the Open Data Contract Standard."""
