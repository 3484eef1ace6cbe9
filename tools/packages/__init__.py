"""What a board installs umqtt2 from: package files for mip, made from the manifests."""
