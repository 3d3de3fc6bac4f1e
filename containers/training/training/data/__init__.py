"""From the channels' TFRecord files to batches."""
