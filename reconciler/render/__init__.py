"""What people and programs read: plans, reasons, states and findings as text, JSON and graphs.

Pure: values of the model go in, lines of styled spans or JSON values come out. Nothing is decided
here and nothing is computed a second time.
"""
