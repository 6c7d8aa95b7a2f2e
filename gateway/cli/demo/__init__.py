"""`gateway demo`: a gateway and the agencies around it, in processes of their own, on loopback."""
