// Names of topics, groups and producers: readable in every broker's own tools, and safe inside its keys and paths.

/** Core's own logs and metadata start with it. */
export const RESERVED_PREFIX = "__polylog";

const NAME = /^[A-Za-z0-9._-]{1,200}$/;

/** Returns `name`, or throws a TypeError that says what is wrong. `what` is the word for the message: "topic", "consumer group". */
export function checkName(what: string, name: string): string {
	if (typeof name !== "string") throw new TypeError(`the name of a ${what} must be a string, not ${typeof name}`);
	if (name.startsWith(RESERVED_PREFIX))
		throw new TypeError(`the ${what} name "${name.slice(0, 220)}" starts with ${RESERVED_PREFIX}, which is reserved`);
	// "." and ".." mean directories to the brokers that keep a log in one.
	if (!NAME.test(name) || name === "." || name === "..") {
		throw new TypeError(`the ${what} name ${JSON.stringify(name.slice(0, 220))} is not allowed: 1 to 200 of A-Z a-z 0-9 . _ -`);
	}
	return name;
}
