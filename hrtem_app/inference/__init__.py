"""From a standardised series to columns: device, prediction, column finding, matching, agreement."""
