-- This moment by the store's clock, in ns.
SELECT toUnixTimestamp64Nano(now64(9))
