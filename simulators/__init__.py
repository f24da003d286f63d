"""Stand-ins for Twilio and Daraja, faithful on the wire, and a page with a phone on it. Never part of production."""
