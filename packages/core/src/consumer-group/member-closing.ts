// The end of a member that closes: stop fetching, drain, commit, leave, within a deadline.
import { type Clock, sleep } from "../clock.ts";
import type { GroupSession } from "../driver/group-session.ts";
import type { Committer } from "./committer.ts";
import { failureOf } from "./member-hooks.ts";
import type { Ownership } from "./ownership.ts";

/** For the commit, and the good-bye, of a close whose deadline has passed. */
const LAST_COMMIT_MS = 500;

export interface ClosingParts {
	readonly clock: Clock;
	readonly ownership: Ownership;
	readonly taker: { readonly manual: boolean; stop(): Promise<unknown> };
	readonly committer: Committer;
	readonly hooks: { report(error: Error): void };
	readonly deadLetters: { close(leftMs: number): Promise<void> };
	/** A join under way ends. */
	readonly begins: () => void;
	/** Undefined before the member has joined. */
	readonly session: () => GroupSession | undefined;
	readonly ends: () => void;
}

/** Past the deadline the handlers are told to give up, and the member just stops. */
export async function closeMember(parts: ClosingParts, deadlineMs: number): Promise<void> {
	const { clock } = parts;
	const end = clock.now() + deadlineMs;
	parts.begins();
	const over = new AbortController();
	const late = sleep(clock, deadlineMs, over.signal).then(
		() => false,
		() => false,
	);
	const drained = await Promise.race([drain(parts), late]);
	over.abort(new Error("closed"));
	if (!drained) await giveUp(parts);
	await leave(parts, drained, end - clock.now());
	parts.ends();
	await parts.deadLetters.close(Math.max(0, end - clock.now()));
}

async function drain({ ownership, taker }: ClosingParts): Promise<true> {
	await Promise.all([ownership.drain(), taker.stop()]);
	await ownership.release();
	return true;
}

/** Handlers are told, and what was processed is committed if that can be done shortly. */
async function giveUp({ clock, ownership, taker, committer, hooks }: ClosingParts): Promise<void> {
	const reason = "the member closed past its deadline";
	const { lanes } = ownership;
	for (const lane of lanes) lane.abort(reason);
	const committed = taker.manual
		? Promise.resolve()
		: committer.flush(lanes).catch((error: unknown) => hooks.report(failureOf("committing", error)));
	await Promise.race([committed, sleep(clock, LAST_COMMIT_MS)]);
	ownership.abort(reason);
}

/** A good-bye that nobody takes is given up at the deadline: the others wait out the session then. */
async function leave({ clock, session }: ClosingParts, drained: boolean, leftMs: number): Promise<void> {
	const late = new AbortController();
	const cancel = clock.after(Math.max(LAST_COMMIT_MS, leftMs), () => late.abort(new Error("the deadline passed")));
	await session()?.leave({ drained, signal: late.signal });
	cancel();
}
