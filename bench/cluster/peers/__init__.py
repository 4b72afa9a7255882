"""What others offer for the same work, each written as its documentation suggests."""
