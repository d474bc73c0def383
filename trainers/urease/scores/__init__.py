"""What an evaluation is made of: posteriors beside the truth, scores, forecasts, tables."""
