"""`netlab collect`: the examiner goes through a folder of notebooks.

    folder      which notebooks are there, whose, of which chapter
    supervisor  one process a notebook, with a deadline; begins anew after one that died
    worker      that process: plans, fetches each answer, lets the examiner judge it
    notebook    reads a notebook's cells, finds where an exercise is answered
    needs       which statements of the cells above an answer needs
    fetching    runs those in a process of its own, and brings back the answer as bytes
    table       the rows as CSV, and as a table on the terminal

A learner's code runs in forks of the worker's nursery only, never in the worker, which judges it,
and never in the command's own process, which writes the rows.
"""
