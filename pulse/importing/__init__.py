"""Reading files of events: pure parsing, from lines to events of the contract."""
