"""A package, so that what the tests of the tracker share can last for as long as they do and no longer."""
