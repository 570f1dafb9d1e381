"""From measurements to a PDF.

`table` lists the measurements, `keep` says what of each is kept, `store` has the result files,
`environment` says where they were made, `measure` makes them; `typeset` makes the PDF and
`literals` finds the numbers in it that nobody measured.
"""
