"""What users have: tables, running text, other toolkits' data; each row with its place.

``reading`` tells the kinds apart; ``tables``, ``columns`` and ``folders`` serve both texts and
recordings, ``sentences``, ``markup`` and ``subtitles`` texts, ``kaldi`` and ``cuts`` recordings.
"""
