// A member's life in a simulated process: it insists on joining, takes messages, and closes when its process is asked to end.
import { type ConsumerGroup, isPolylogError, type Member, type MemberOptions } from "@polylog/core";
import type { Running } from "./machine.ts";

export interface MemberCall {
	readonly sessionTimeoutMs: number;
	readonly instanceId: string | undefined;
	/** Asked when the process is told to end. */
	readonly closeWithinMs: () => number;
}

const RETRY_MS = 200;

/** Resolves when `take` and the closing are over. */
export async function liveAsMember<T>(
	running: Running,
	group: ConsumerGroup<T>,
	{ instanceId, closeWithinMs }: MemberCall,
	take: (member: Member<T>) => Promise<void>,
	options: MemberOptions<T> = {},
): Promise<void> {
	const member = await insist(running, () => group.join(instanceId === undefined ? options : { ...options, instanceId }));
	if (!member) return;
	const asked = new Promise<void>((resolve) => {
		running.signal.addEventListener("abort", () => resolve(), { once: true });
		if (running.signal.aborted) resolve();
	});
	const closed = asked.then(() => member.close({ deadlineMs: closeWithinMs() }));
	await take(member);
	await closed;
}

/** Tries again while the broker cannot be reached; gives up when asked to end. */
async function insist<R>(running: Running, attempt: () => Promise<R>): Promise<R | undefined> {
	while (!running.signal.aborted) {
		try {
			return await attempt();
		} catch (error) {
			if (!isPolylogError(error) || !error.retryable) throw error;
			await running.pause(RETRY_MS);
		}
	}
	return undefined;
}
