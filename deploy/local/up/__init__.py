"""The supervisor behind `make up`: starts services and processes, keeps them running, stops them without loss."""
