"""What is drawn on the canvas, and what a person does to it there."""
