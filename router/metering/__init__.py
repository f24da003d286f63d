"""What is counted for a shop's bill: which thing, in which window of the shop's calendar, once each."""
