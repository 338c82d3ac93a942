"""One file for each way to carry a service: server and client side by side."""
