"""What the tests of reports share: small random data sets, and references that count by hand, written apart from the SQL."""
