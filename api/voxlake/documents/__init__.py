"""The one wire form of every fact: what the gateway answers, clients read and `--json` prints.

A room a subject, one file a resource. All are frozen; `Document` is what is answered, `Question`
what is asked.
A fact that is not known is null. Boxes are named ranges (`BoxDocument`); ids of labels are text
(`Label`), because JSON numbers end at 2^53 in much of the world.
"""
