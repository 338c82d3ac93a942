"""The examiner: exercises that attack your code and explain what broke."""
