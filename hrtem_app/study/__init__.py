"""The thesis' two sweeps: many trainings, each scored, as one resumable run."""
