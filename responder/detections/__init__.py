"""Detections: YAML rules over measures, and the hits they give."""
