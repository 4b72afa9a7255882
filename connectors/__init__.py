"""What comes in and goes out: sources and channels. No rules, no state of the business."""
