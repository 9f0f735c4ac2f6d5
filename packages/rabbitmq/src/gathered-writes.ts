// amqplib writes each message to its socket by itself: a system call and a packet for 250 bytes. What it writes in one go
// leaves in one go here, which halves what publishing costs, here and in the broker (bench/RESULTS.md).
import type { Writable } from "node:stream";

/** From now on, what is written to it in one turn goes out together. Order and back-pressure stay as they are. */
export function gatherWrites(socket: Writable): void {
	const write = socket.write.bind(socket);
	let gathering = false;
	const gathered = (...parameters: Parameters<Writable["write"]>) => {
		if (!gathering) {
			gathering = true;
			socket.cork();
			process.nextTick(() => {
				gathering = false;
				socket.uncork();
			});
		}
		return write(...parameters);
	};
	socket.write = gathered as Writable["write"];
}
