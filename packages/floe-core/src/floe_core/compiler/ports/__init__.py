"""What a product offers to others and reads of them."""
