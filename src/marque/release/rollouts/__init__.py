"""Roll-outs: a published release handed to cars group by group, halted by what the cars and the road say of it."""
