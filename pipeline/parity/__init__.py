"""How far a converted model is from its original: errors, agreement, accuracy, and what is allowed."""
