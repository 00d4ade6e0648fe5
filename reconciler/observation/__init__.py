"""What a configuration needs to know, read from ConnectWise and Sophos in as few requests as possible."""
