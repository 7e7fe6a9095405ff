"""The nouns of the product: frozen values and enums, standard library only."""
