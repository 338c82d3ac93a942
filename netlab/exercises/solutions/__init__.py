"""One way to solve each exercise, and faulty variants that the examiner must catch."""
