"""The scalar rules of Linux, with 32-bit subregister ranges, release by release."""
