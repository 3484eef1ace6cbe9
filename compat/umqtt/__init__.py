"""The place of umqtt.simple2 for programs that import it, filled by umqtt2."""
