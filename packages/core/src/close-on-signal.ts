import { constants } from "node:os";
import type { Log } from "./log.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Closes once on the first SIGINT or SIGTERM and then ends the process as that signal would; a second one ends it at once. */
export function closeOnSignal(close: () => Promise<void>, log: Log): () => void {
	let closing = false;
	const onSignal = (signal: (typeof SIGNALS)[number]) => {
		const exit = () => process.exit(128 + constants.signals[signal]);
		if (closing) return exit();
		closing = true;
		close()
			.catch((error: unknown) => log.error(`closing failed: ${error instanceof Error ? error.message : String(error)}`))
			.finally(exit);
	};
	for (const signal of SIGNALS) process.on(signal, onSignal);
	return () => {
		for (const signal of SIGNALS) process.off(signal, onSignal);
	};
}
