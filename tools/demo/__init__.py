"""The demo, `BROKER=host:port python -m tools.demo`: a MicroPython VM talks to that broker, or TLS to a mosquitto."""
