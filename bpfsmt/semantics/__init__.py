"""What programs mean: arithmetic as rules, context layouts, helper contracts."""
