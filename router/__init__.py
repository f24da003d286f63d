"""The router: vendors, prices, orders and payments. It never talks to WhatsApp or to a payment provider."""
