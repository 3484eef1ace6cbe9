"""What a developer's machine needs to build and test umqtt2. Never shipped with the package."""
