"""What `tvsl annotate` is: one stage a file."""
