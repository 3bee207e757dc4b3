"""What generators of architectures share: drawing and answering, polish, training, files."""
