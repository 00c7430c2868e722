"""Voxels as pixels, wherever they are drawn: at the gateway, in notebooks, in reports.

``contrast`` says which values of an image are black and white, ``pixels`` makes greys and the
colours of labels of them, ``png`` the file.
"""
