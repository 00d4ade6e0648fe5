"""Customers: tenant, company and agreement brought together."""
