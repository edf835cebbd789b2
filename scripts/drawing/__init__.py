"""How the demo catalog's pictures are made: light (the brushes), figures, scenery, scenes, photographs, finish, artworks (the list)."""
