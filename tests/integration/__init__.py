"""A package, so that one product can last for as long as its tests do and no longer."""
