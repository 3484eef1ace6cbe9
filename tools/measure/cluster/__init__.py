"""A fleet on a RabbitMQ of three nodes, which are restarted one after the other."""
