"""What the gateway does, one verb a file. Reads, asks the rules, writes - straight down."""
