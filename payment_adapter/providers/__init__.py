"""What each payment provider's wire looks like, behind one small contract (`base`)."""
