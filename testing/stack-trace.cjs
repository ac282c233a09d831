// cdktf and constructs take a stack trace of every token and of every message, and nobody reads them. jest maps each line of a trace to its source, which
// would be an eighth of the time of all tests. An error that is thrown has its stack all the same.
exports.captureStackTrace = () => [];
