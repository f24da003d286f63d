"""The words of the shop: texts by key, and how they are filled. Decides nothing."""
