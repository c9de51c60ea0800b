// What matters is the post step, which an action without a main step may not have.
