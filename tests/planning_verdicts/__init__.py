"""May invoices be made, and was it right?"""
