"""How fast training is: steppers take steps when they are told to, so that they can take turns."""
