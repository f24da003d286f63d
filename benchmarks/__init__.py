"""Where the README's figures come from: `./dev bench [turns|callbacks|orders|start]`.

Loopback only, bounded, and always beside something: two things in one run, so that only ratios must be believed."""
