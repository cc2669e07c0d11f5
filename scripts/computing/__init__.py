"""What is computed on, how precisely, and how memory and disk keep up."""
