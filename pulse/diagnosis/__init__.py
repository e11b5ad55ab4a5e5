"""What `pulse doctor` looks at: this machine, the installed packages, the settings, the network."""
