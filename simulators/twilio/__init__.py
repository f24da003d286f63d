"""A stand-in for Twilio's messaging API on WhatsApp: REST, signed webhooks, status callbacks."""
