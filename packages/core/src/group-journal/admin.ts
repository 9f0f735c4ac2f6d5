// Changes a group from outside. Each event names what its author has seen, so a repeat or a late copy changes nothing.
import { type Clock, sleep } from "../clock.ts";
import type { JournalLog } from "../driver/journal-log.ts";
import { PolylogError } from "../errors.ts";
import type { Offset } from "../offset.ts";
import type { JournalContext } from "./context.ts";
import type { GroupEvent, ResetEvent } from "./entry.ts";
import { encodeEntry } from "./entry-codec.ts";
import { Follower } from "./follower.ts";
import { isPlaceLost } from "./place.ts";
import type { GroupState, PartitionKey } from "./state.ts";

export class Admin {
	readonly #context: JournalContext;
	readonly #group: string;
	readonly #log: JournalLog;
	readonly #follower: Follower;
	readonly #signal: AbortSignal;

	constructor(context: JournalContext, group: string, log: JournalLog, signal: AbortSignal | undefined) {
		this.#context = context;
		this.#group = group;
		this.#log = log;
		this.#follower = new Follower(log, { ...context, group });
		this.#signal = signal ?? new AbortController().signal;
	}

	boot(): Promise<void> {
		return this.#follower.boot(this.#signal);
	}

	/** Sets offsets; partitions that changed in between are tried again. */
	async reset(offsets: ReadonlyMap<PartitionKey, Offset>, force: boolean): Promise<void> {
		const open = new Map(offsets);
		while (open.size > 0) {
			if (!force) await this.requireIdle("reset its offsets");
			const events = [...open].map(([partition, offset]) => resetEvent(this.#follower.state, partition, offset));
			await this.#submit(events, (state) => {
				for (const partition of open.keys()) if (state.offsets.get(partition)?.index === state.index) open.delete(partition);
			});
		}
	}

	/** GROUP_ACTIVE if a member shows life. Members that died without a word are expired, after their session timeout. */
	async requireIdle(intent: string): Promise<void> {
		const { clock } = this.#context;
		const { members } = this.#follower.state;
		if (members.size === 0) return;
		if ([...members.values()].some((member) => clock.wall() - member.wall < member.sessionTimeoutMs)) throw this.#active(intent);
		const seen = new Map([...members].map(([id, member]) => [id, member.last]));
		const longest = Math.max(...[...members.values()].map((member) => member.sessionTimeoutMs));
		for (const until = clock.now() + longest; clock.now() < until;) {
			await this.#follower.read(Math.min(this.#context.timing.readWaitMs, until - clock.now()), this.#signal);
			for (const [id, member] of this.#follower.state.members) if (seen.get(id) !== member.last) throw this.#active(intent);
		}
		await this.#submit([...seen].map(([member, last]) => ({ type: "expire", member, last })));
		if (this.#follower.state.members.size > 0) throw this.#active(intent);
	}

	/** Appends until it is read back; `landed` sees the state as the entry left it. */
	async #submit(events: readonly GroupEvent[], landed?: (state: GroupState) => void): Promise<void> {
		const { clock, random, timing } = this.#context;
		const nonce = random.hex(8);
		const bytes = encodeEntry({ kind: "admin", nonce, events });
		let durable = false;
		let back = false;
		for (let next = clock.now(); !durable || !back;) {
			this.#signal.throwIfAborted();
			if (clock.now() >= next) {
				next = clock.now() + timing.retryMs;
				durable = (await this.#append(bytes)) || durable;
			}
			await this.#read(back ? 0 : Math.min(timing.readWaitMs, timing.retryMs), (entryNonce, state) => {
				if (entryNonce !== nonce) return;
				back = true;
				landed?.(state);
			});
			if (back && !durable) await pause(clock, next, this.#signal);
		}
	}

	async #append(bytes: Uint8Array): Promise<boolean> {
		return (await this.#log.append(bytes, this.#log.connection, this.#signal)).durable;
	}

	async #read(waitMs: number, onAdmin: (nonce: string, state: GroupState) => void): Promise<void> {
		try {
			await this.#follower.read(waitMs, this.#signal, (entry) => {
				if (entry?.kind === "admin") onAdmin(entry.nonce, this.#follower.state);
			});
		} catch (error) {
			if (!isPlaceLost(error)) throw error;
			await this.boot();
		}
	}

	#active(intent: string): PolylogError {
		return new PolylogError(
			"GROUP_ACTIVE",
			`cannot ${intent}: group "${this.#group}" has ${this.#follower.state.members.size} members; stop them first`,
			{
				group: this.#group,
			},
		);
	}
}

function resetEvent(state: GroupState, partition: PartitionKey, offset: Offset): ResetEvent {
	return {
		type: "reset",
		partition,
		offset,
		ifIndex: state.offsets.get(partition)?.index ?? 0,
		ifFence: state.owner.get(partition)?.fence ?? 0,
	};
}

async function pause(clock: Clock, until: number, signal: AbortSignal): Promise<void> {
	await sleep(clock, Math.max(0, until - clock.now()), signal);
}
