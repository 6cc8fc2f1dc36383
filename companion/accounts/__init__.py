"""Where the money has to go and what it may cost: accounts, fee plans, channels, own cards."""
