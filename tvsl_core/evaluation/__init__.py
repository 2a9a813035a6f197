"""Scores for sound source localization. Needs numpy only and knows no model, so that anyone's can be scored.

Every metric module has one form: what it measures, conventions, the metrics, where they come from; then ``validate``,
one function for each metric, ``evaluate``. The reference comes first, the estimate second.
"""
