// Members as processes of their own. They tell this process what they processed, over the channel of child_process.fork:
// what was written to it before a SIGKILL still arrives.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { CrewMember, Hire } from "./crew.ts";
import type { WrittenBatch } from "./ledger.ts";
import type { Names, Store } from "./member.ts";

const PROGRAM = fileURLToPath(new URL("member-process.ts", import.meta.url));

/** From a member's process. */
export type FromMember =
	| { readonly kind: "joining" }
	| { readonly kind: "joined" }
	| { readonly kind: "write"; readonly number: number; readonly batch: WrittenBatch }
	| { readonly kind: "failed"; readonly reason: string };

/** To a member's process. */
export type ToMember = { readonly kind: "written"; readonly number: number } | { readonly kind: "stop" };

export function hireProcess(url: string, { topic, group }: Names, store: Store): Hire {
	return async (name, onJoining): Promise<CrewMember> => {
		// The URL may hold a password: in the environment it is not in the list of processes. "advanced" carries bigints.
		const child = fork(PROGRAM, [name, topic, group], { env: { ...process.env, POLYLOG_URL: url }, serialization: "advanced" });
		const tell = (message: ToMember) => child.connected && child.send(message, () => {});
		const joined = Promise.withResolvers<void>();
		let reason: string | undefined;
		let stopping = false;
		child.on("message", (message: FromMember) => {
			if (message.kind === "joining") onJoining();
			else if (message.kind === "joined") joined.resolve();
			else if (message.kind === "failed") reason = message.reason;
			else void store.write(message.batch).then(() => tell({ kind: "written", number: message.number }));
		});
		// "close" comes after the last message of the channel, "exit" may come before it.
		const closed = Promise.all([once(child, "exit"), once(child, "disconnect")]);
		const ended = closed.then(([[code, signal]]) => {
			if (!stopping || (code !== 0 && signal !== "SIGKILL"))
				throw new Error(`member ${name} ended (${signal ?? code}): ${reason ?? "it did not say why"}`);
		});
		ended.catch(joined.reject);
		await joined.promise;
		const end = async (how: () => void) => {
			stopping = true;
			how();
			await closed;
		};
		return { name, ended, kill: () => end(() => child.kill("SIGKILL")), stop: () => end(() => tell({ kind: "stop" })) };
	};
}
