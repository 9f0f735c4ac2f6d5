// Keeps a membership alive, and knows how long it certainly lives: the broker counts the session from when a heartbeat
// reached it, so counting from when the accepted one was sent can only be too careful. Never waits for a handler.
//
// A heartbeat proves little: a coordinator that is cut off from the other brokers goes on answering it, while another one
// gives the partitions away. A commit is on a majority when it is answered. So while one is not, a membership lives for a
// session from when that was sent, or from when other brokers last named the same coordinator: a new one waits for as long.
import type { Clock } from "@polylog/core/driver";
import type { Membership } from "../wire/api/membership.ts";

export interface HeartParts {
	readonly clock: Clock;
	readonly sessionTimeoutMs: number;
	readonly intervalMs: number;
	/** Undefined while there is no membership to keep. */
	membership(): Membership | undefined;
	/** Sends one heartbeat; resolves to whether the membership was confirmed. Handles every other answer itself. */
	beat(membership: Membership): Promise<boolean>;
	/** Whether other brokers say that the coordinator still is the same. */
	vouch(): Promise<boolean>;
	/** No heartbeat, or no commit, was answered for a session timeout. */
	expired(): void;
}

export class Heart {
	readonly #parts: HeartParts;
	#until = -Infinity;
	/** When the commit was sent that has not been answered since. */
	#doubted = Infinity;
	#vouched = -Infinity;
	#vouching = false;
	#cancel: (() => void) | undefined;
	#beating = false;
	#stopped = false;
	#told = true;

	constructor(parts: HeartParts) {
		this.#parts = parts;
	}

	/** Whether the membership certainly lives at this moment. */
	get alive(): boolean {
		return this.#parts.clock.now() < Math.min(this.#until, Math.max(this.#doubted, this.#vouched) + this.#parts.sessionTimeoutMs);
	}

	/** A commit is being sent. */
	doubt(): void {
		this.#doubted = Math.min(this.#doubted, this.#parts.clock.now());
	}

	/** A commit was answered. */
	trust(): void {
		this.#doubted = Infinity;
	}

	/** Something sent at `sentAt` was answered as to a member. */
	confirm(sentAt: number): void {
		this.#until = Math.max(this.#until, sentAt + this.#parts.sessionTimeoutMs);
		this.#told = false;
		if (!this.#cancel) this.#arm();
	}

	/** There is no membership any more. */
	forget(): void {
		this.#until = -Infinity;
		this.#doubted = Infinity;
		this.#told = true;
	}

	stop(): void {
		this.#stopped = true;
		this.#cancel?.();
	}

	#arm(): void {
		if (this.#stopped) return;
		const { clock, intervalMs } = this.#parts;
		const left = this.#told ? intervalMs : Math.max(1, this.#until - clock.now());
		this.#cancel = clock.after(Math.min(intervalMs, left), () => {
			this.#check();
			this.#arm();
		});
	}

	#check(): void {
		const membership = this.#parts.membership();
		if (!this.alive && !this.#told) {
			this.#told = true;
			this.#parts.expired();
		}
		if (membership && !this.#beating) void this.#beat(membership);
		const doubtedMs = this.#parts.clock.now() - this.#doubted;
		if (membership && !this.#vouching && doubtedMs > this.#parts.sessionTimeoutMs / 4) void this.#ask();
	}

	async #ask(): Promise<void> {
		this.#vouching = true;
		const askedAt = this.#parts.clock.now();
		try {
			if (await this.#parts.vouch()) this.#vouched = askedAt;
		} finally {
			this.#vouching = false;
		}
	}

	async #beat(membership: Membership): Promise<void> {
		this.#beating = true;
		const sentAt = this.#parts.clock.now();
		try {
			if (await this.#parts.beat(membership)) this.confirm(sentAt);
		} finally {
			this.#beating = false;
		}
	}
}
