"""The command line and the composition of the processes. The only place that knows all of them."""
