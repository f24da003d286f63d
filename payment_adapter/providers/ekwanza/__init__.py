"""e-Kwanza (Angola): Multicaixa Express and EMIS references over the gateway AppyPay, tickets over e-Kwanza itself."""
