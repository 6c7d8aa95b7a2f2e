"""Answers to auditors: each question a function that asks the log and gives a Table."""
