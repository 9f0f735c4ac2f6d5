// Readers for whoever looks at groups without joining: one per group, kept while somebody asks, so that a poll reads only
// what is new.
import type { JournalLog } from "../driver/journal-log.ts";
import type { JournalContext } from "./context.ts";
import { Follower } from "./follower.ts";
import { isPlaceLost } from "./place.ts";
import type { GroupState } from "./state.ts";

interface Observer {
	readonly log: JournalLog;
	readonly follower: Follower;
	booted: boolean;
}

export class Observers {
	readonly #context: JournalContext;
	readonly #slots = new Map<string, Slot>();

	constructor(context: JournalContext) {
		this.#context = context;
	}

	/** What the group is now; `undefined` if there is none. `view` must not keep the state. */
	async look<T>(group: string, view: (state: GroupState) => T, signal?: AbortSignal): Promise<T | undefined> {
		let slot = this.#slots.get(group);
		if (!slot) {
			slot = new Slot(this.#context, group);
			this.#slots.set(group, slot);
		}
		const used = slot;
		try {
			return await used.look(view, signal);
		} finally {
			used.idle(() => {
				if (this.#slots.get(group) === used) this.#slots.delete(group);
			});
		}
	}

	async close(): Promise<void> {
		const slots = [...this.#slots.values()];
		this.#slots.clear();
		await Promise.all(slots.map((slot) => slot.close()));
	}
}

/** One group's reader; looks one after the other. */
class Slot {
	readonly #context: JournalContext;
	readonly #group: string;
	#observer: Observer | undefined;
	#last: Promise<unknown> = Promise.resolve();
	#looking = 0;
	#cancelIdle: (() => void) | undefined;
	readonly #closed = new AbortController();

	constructor(context: JournalContext, group: string) {
		this.#context = context;
		this.#group = group;
	}

	look<T>(view: (state: GroupState) => T, signal?: AbortSignal): Promise<T | undefined> {
		this.#looking++;
		this.#cancelIdle?.();
		const result = this.#last.then(() => this.#look(view, signal ? AbortSignal.any([signal, this.#closed.signal]) : this.#closed.signal));
		this.#last = result.catch(() => {});
		return result.finally(() => this.#looking--);
	}

	/** Closes the reader when nobody asked for a while. */
	idle(forget: () => void): void {
		if (this.#looking > 0 || this.#closed.signal.aborted) return;
		this.#cancelIdle?.();
		const drop = () => {
			forget();
			void this.close();
		};
		if (!this.#observer) return drop();
		this.#cancelIdle = this.#context.clock.after(this.#context.timing.observerIdleMs, drop);
	}

	async close(): Promise<void> {
		this.#cancelIdle?.();
		this.#closed.abort();
		await this.#drop();
	}

	async #look<T>(view: (state: GroupState) => T, signal: AbortSignal): Promise<T | undefined> {
		signal.throwIfAborted();
		try {
			const observer = (this.#observer ??= await this.#open(signal));
			if (!observer) return undefined;
			const { connection } = observer.log;
			await this.#refresh(observer, signal);
			await observer.log.settled?.(connection, signal);
			if (observer.follower.state.index > 0) return view(observer.follower.state);
			// Deleted, or never written to.
			await this.#drop();
			return undefined;
		} catch (error) {
			await this.#drop();
			throw error;
		}
	}

	async #refresh(observer: Observer, signal: AbortSignal): Promise<void> {
		if (!observer.booted) await observer.follower.boot(signal);
		else
			await observer.follower
				.catchUp(signal)
				.catch((error: unknown) => (isPlaceLost(error) ? observer.follower.boot(signal) : Promise.reject(error)));
		observer.booted = true;
	}

	async #open(signal: AbortSignal): Promise<Observer | undefined> {
		const log = await this.#context.journals.find(this.#group, signal);
		return log && { log, follower: new Follower(log, { ...this.#context, group: this.#group }), booted: false };
	}

	async #drop(): Promise<void> {
		const observer = this.#observer;
		this.#observer = undefined;
		await observer?.log.close().catch(() => {});
	}
}
