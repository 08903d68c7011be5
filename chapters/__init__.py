"""The book: one package per chapter, one module per section, and `shared` measurements of several chapters."""
