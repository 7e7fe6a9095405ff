"""Manifests as text: a desired state written in the language, the way that a person would."""
