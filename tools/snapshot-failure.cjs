/** What the message of a failed snapshot has in it, for `npm run test:mutation`. */
exports.SNAPSHOT = /toMatch(Inline)?Snapshot/;
