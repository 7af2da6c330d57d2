"""Files of a run, recipes, settings, texts and command lines, spoiled at random: each gets an answer or a told error.

``make fuzz`` makes twenty thousand cases. A case is one call of the command line in a process of its own, forked from
one that has imported all that it may need, so that it costs milliseconds, and a crash of it is seen and harms no other.
Everything follows from the seed: a case is replayed by its target and number, as a fault that is found says.
"""
