"""Instructions: the words by which a message offers its way out. Detection and the sender's gate find them alike."""
