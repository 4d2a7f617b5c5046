"""The state database: cases, decisions, runs, the audit trail."""
