"""Forms made from parameter models."""
