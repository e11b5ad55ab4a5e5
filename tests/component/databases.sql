SELECT name FROM system.databases
