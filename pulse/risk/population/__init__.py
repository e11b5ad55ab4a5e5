"""Sessions made up by measured rates, with the truth about each, for fitting and judging weights."""
