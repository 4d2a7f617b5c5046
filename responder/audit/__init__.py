"""The record of every decision and change, and the reports made of it."""
