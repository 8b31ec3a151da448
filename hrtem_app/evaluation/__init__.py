"""Networks against series whose columns are known: scores, sweeps, calibration, figures."""
