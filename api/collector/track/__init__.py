"""Events in the words of a session tracker, /track/…: sessions that start and end, and what happens in between."""
