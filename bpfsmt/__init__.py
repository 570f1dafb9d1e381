"""bpfsmt: is what an eBPF verifier believes about a program true?"""
