"""The only room that knows all the others: command line, web application, wiring."""
