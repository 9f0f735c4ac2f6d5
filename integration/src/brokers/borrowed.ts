// A broker that the environment names: to be used, and left as it is.
import type { RunningBroker } from "./broker.ts";

interface Borrowed {
	readonly url: string;
	readonly version: string;
	readonly host: string;
	readonly port: number;
}

export function borrowedBroker(variable: string, broker: Borrowed): RunningBroker {
	const refuse = () => Promise.reject(new Error(`the broker of ${variable} is not this test's to stop; ask for one of its own`));
	const nothing = async () => undefined;
	return {
		...broker,
		how: variable,
		start: refuse,
		stop: refuse,
		kill: refuse,
		pause: refuse,
		resume: refuse,
		restart: refuse,
		logs: () => "",
		dispose: nothing,
		[Symbol.asyncDispose]: nothing,
	};
}
