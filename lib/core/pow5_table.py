#!/usr/bin/env python3
"""Writes the powers of five that number.c multiplies with: for q = -342..308 the 128 leading
bits of 5^q, truncated for q >= 0, rounded up for q < 0 (Lemire 2021, section 5)."""
import sys


def leading_bits(q):
    if q >= 0:
        power = 5**q
        shift = power.bit_length() - 128
        return power >> shift if shift >= 0 else power << -shift
    power = 5**-q
    bits = power.bit_length()
    quotient = 2 ** (bits + 127 if q >= -27 else 2 * bits + 128) // power + 1
    return quotient >> (quotient.bit_length() - 128)


with open(sys.argv[1], "w") as out:
    out.write("/* Made by pow5_table.py: {high, low} 64 bits of 5^q, q = -342..308. */\n")
    for q in range(-342, 309):
        bits = leading_bits(q)
        out.write("{0x%016x, 0x%016x},\n" % (bits >> 64, bits & (2**64 - 1)))
