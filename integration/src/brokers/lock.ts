// One process at a time on this machine: for what installs, builds or starts something that all checkouts share.
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

const RETRY_MS = 100;
const SAY_AFTER_MS = 3000;

/**
 * Runs `action` while no other process of this machine holds the lock `name`. The lock is an abstract Unix socket: the
 * kernel frees it with its process, so that none is ever stale. Other systems than Linux have no such sockets, and
 * nothing is installed or started on them: there the action runs at once.
 */
export async function withLock<T>(name: string, action: () => Promise<T>): Promise<T> {
	if (process.platform !== "linux") return await action();
	const started = Date.now();
	let said = false;
	let held = await listen(name);
	while (!held) {
		if (!said && Date.now() - started > SAY_AFTER_MS) {
			console.log(`polylog: waiting for another process (${name})`);
			said = true;
		}
		await delay(RETRY_MS);
		held = await listen(name);
	}
	const server = held;
	try {
		return await action();
	} finally {
		await new Promise((resolve) => server.close(resolve));
	}
}

function listen(name: string): Promise<Server | undefined> {
	return new Promise((resolve, reject) => {
		const server = createServer((socket) => socket.destroy());
		server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
		server.listen({ path: `\0polylog-tests/${name}` }, () => resolve(server));
	});
}
