"""The shadow audit: what was sent elsewhere, and what came back, judged by our rules. It sends and changes nothing."""
