"""Claims × checkers → findings: is what a producer says of a program true?"""
