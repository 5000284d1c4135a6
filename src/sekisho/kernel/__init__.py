"""The words every room shares: text in two languages, refusals, time, ids, era dates.

Pure and tiny. Imports neither Django nor asyncio, reads neither clock nor disk, and knows no room.
"""
