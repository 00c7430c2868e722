"""Requests: what is asked for, by parameters, boxes, ranges and bodies."""
