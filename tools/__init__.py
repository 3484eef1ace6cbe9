"""Tools to build and test umqtt2. They are not part of the package."""
