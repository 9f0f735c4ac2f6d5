import { createServer } from "node:net";

/**
 * Below the ports that systems give to outgoing connections (32768 and up): of those one may be taken before the server
 * that it is for listens, by another test's client or by whoever asks whether the server is up, which then reaches itself.
 */
const [FIRST, COUNT] = [15_000, 17_000];
/** Others choose at the same time, each from a place of its own. */
let next = Math.floor(Math.random() * COUNT);

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
	for (let left = COUNT; left > 0; left--) {
		const port = FIRST + next;
		next = (next + 1) % COUNT;
		if (await isFree(port)) return port;
	}
	throw new Error("no free port");
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once("error", () => resolve(false));
		server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
	});
}
