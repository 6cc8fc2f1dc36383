"""ISO 8583 as UnionPay terminals speak it; README.md beside this file is the specification."""
