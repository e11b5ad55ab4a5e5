"""Reports under the routes and in the forms of others: no question is answered here, each is asked of the report it stands for."""
