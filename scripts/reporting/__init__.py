"""What people read: words, tables, charts and pages."""
