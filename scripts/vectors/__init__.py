"""Task vectors, computed piece by piece."""
