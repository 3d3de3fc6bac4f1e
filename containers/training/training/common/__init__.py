"""What every part of the image stands on; it imports none of them."""
