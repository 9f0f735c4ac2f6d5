// What a group of servers can do as one broker.
import type { RunningBroker } from "./broker.ts";

type Lifecycle = Pick<
	RunningBroker,
	"start" | "stop" | "kill" | "pause" | "resume" | "restart" | "logs" | "dispose" | typeof Symbol.asyncDispose
>;
type Node = Lifecycle & Pick<RunningBroker, "host" | "port">;

/** Does the same to all nodes; after each start waits until they are `ready` together. */
export function allOf(nodes: readonly Node[], ready: () => Promise<void>): Lifecycle {
	const each = async (act: (node: Node) => unknown): Promise<void> => {
		await Promise.all(nodes.map(act));
	};
	const dispose = () => each((node) => node.dispose());
	return {
		async start() {
			await each((node) => node.start());
			await ready();
		},
		stop: () => each((node) => node.stop()),
		kill: () => each((node) => node.kill()),
		pause: () => each((node) => node.pause()),
		resume: () => each((node) => node.resume()),
		async restart() {
			await each((node) => node.restart());
			await ready();
		},
		logs: () => nodes.map((node) => `--- ${node.host}:${node.port}\n${node.logs()}`).join("\n"),
		dispose,
		[Symbol.asyncDispose]: dispose,
	};
}

/** A port that was free may be taken by the time that a server listens on it: many start at once. */
const ATTEMPTS = 3;

/** Starts all, or none. */
export async function startAll<N extends AsyncDisposable>(starts: readonly (() => Promise<N>)[]): Promise<N[]> {
	const started = await Promise.allSettled(starts.map((start) => persistently(start)));
	const nodes = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
	const failed = started.find((one) => one.status === "rejected");
	if (!failed) return nodes;
	await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
	throw failed.reason;
}

async function persistently<N>(start: () => Promise<N>): Promise<N> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await start();
		} catch (error) {
			if (attempt === ATTEMPTS) throw error;
		}
	}
}
