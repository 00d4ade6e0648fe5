"""The ConnectWise PSA client: JSON to typed rows and back. Decides nothing."""
