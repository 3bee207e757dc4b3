"""Adapting a supernet to images while its networks are searched: Neural Architecture Transfer.

Lu et al., "Neural Architecture Transfer", IEEE TPAMI 43(9), 2021.
"""
