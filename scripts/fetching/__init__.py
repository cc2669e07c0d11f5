"""External files: where they are had, and how they are unpacked."""
