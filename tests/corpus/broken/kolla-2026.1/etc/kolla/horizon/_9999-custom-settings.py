# Nothing of our own.
