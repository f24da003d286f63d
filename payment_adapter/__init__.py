"""The process that payment providers talk to: it sends pushes that a grant allows and turns callbacks into events.

It knows no orders, no prices and no capabilities."""
