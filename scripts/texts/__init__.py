"""What is done to a text before it is counted, learnt or spoken."""
