// One member as a process: started by crew-processes.ts with its name, the topic and the group.
import { connect } from "@polylog/core";
import { CLOSE_MS } from "./crew.ts";
import type { FromMember, ToMember } from "./crew-processes.ts";
import { startMember, type Store } from "./member.ts";

/** The parent keeps the books: a write resolves when it has answered. */
class ParentStore implements Store {
	readonly #waiting = new Map<number, () => void>();
	#last = 0;

	write(batch: Parameters<Store["write"]>[0]): Promise<void> {
		const number = ++this.#last;
		tell({ kind: "write", number, batch });
		return new Promise((resolve) => this.#waiting.set(number, resolve));
	}

	written(number: number): void {
		this.#waiting.get(number)?.();
		this.#waiting.delete(number);
	}
}

function tell(message: FromMember): void {
	if (process.connected) process.send?.(message);
}

const [name = "", topic = "", group = ""] = process.argv.slice(2);
// Ctrl-C reaches the whole process group: the parent decides what happens then.
process.on("SIGINT", () => {});
try {
	const broker = await connect({ url: process.env["POLYLOG_URL"] ?? "", clientId: name });
	const store = new ParentStore();
	process.on("message", (message: ToMember) => {
		if (message.kind === "written") store.written(message.number);
		else void broker.close({ deadlineMs: CLOSE_MS });
	});
	// Without its parent nobody hears of its work.
	process.once("disconnect", () => process.exit(1));
	tell({ kind: "joining" });
	const { ended } = await startMember(name, broker, { topic, group }, store);
	tell({ kind: "joined" });
	await ended;
	await broker.close();
} catch (error) {
	tell({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
	process.exitCode = 1;
}
process.removeAllListeners("disconnect");
if (process.connected) process.disconnect();
