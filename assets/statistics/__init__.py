"""What the stored rows say: tables, intervals, comparisons, rankings."""
