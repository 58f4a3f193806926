"""Wild input for all that reads what others wrote: no error but the declared one, no hang, bounded memory.

``make test`` sends 20,000 inputs. Many more, in the background, at any time:

    IHP_WILD_INPUTS=1000000 nice python -m pytest tests/wild -n0 --timeout 0 --hypothesis-show-statistics
"""
