"""A stand-in for e-Kwanza and its gateway AppyPay: the token, charges (GPO and EMIS references), tickets, webhooks."""
