-- Replace a month as a whole.
ALTER TABLE events REPLACE PARTITION {month:UInt32} FROM {month_table:Identifier}
