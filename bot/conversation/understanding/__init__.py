"""What a text means, whoever says it and whenever: words, amounts, lists, names of things. No state, no shop."""
