"""How the bundled checkpoint is made, in the order of the work: features, heads, phrases, distil, export."""
