"""What synthetic speech goes through: speed, room, noise, telephone, a channel."""
