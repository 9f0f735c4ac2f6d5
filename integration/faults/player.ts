// A member or producer as a case sees it: its history as it comes, its signals, its end.
import type { HistoryEvent } from "@polylog/conformance";
import { until } from "./waiting.ts";
import type { Command, Task } from "./task.ts";

export type Signal = "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGTERM";

/** Where a player lives. */
export interface Body {
	/** Resolves when nothing of it is left. */
	readonly gone: Promise<{ readonly code: number | null; readonly signal: string | null }>;
	signal(signal: Signal): void;
	take(command: Command): void;
	/** What it wrote to its standard error. */
	said(): string;
	/** How long its main thread has waited for a processor, in ms, as far as that was seen. */
	waited(): number;
}

type Note = Extract<HistoryEvent, { kind: "note" }>;
type Started = Extract<HistoryEvent, { kind: "started" }>;

export class Player {
	readonly name: string;
	readonly role: Task["role"];
	readonly events: HistoryEvent[] = [];
	readonly body: Body;
	/** How the suite ended it; undefined while it is meant to live. */
	ending: Signal | "close" | undefined;
	/** How it ended. */
	ended: { readonly code: number | null; readonly signal: string | null } | undefined;

	constructor(task: Task, body: (events: HistoryEvent[]) => Body) {
		this.name = task.name;
		this.role = task.role;
		this.body = body(this.events);
		void this.body.gone.then((ended) => (this.ended = ended));
	}

	/** It has joined, or is about to send. */
	async ready(): Promise<this> {
		await until(
			() => this.notes("joined").length > 0 || this.ended !== undefined,
			() => `${this.name} joined: ${this.tail()} ${this.body.said().slice(-1500)}`,
			60_000,
		);
		if (this.ended && this.notes("joined").length === 0)
			throw new Error(`${this.name} ended before it joined: ${this.body.said().slice(-1500)}`);
		return this;
	}

	signal(signal: Signal): void {
		if (signal === "SIGKILL" || signal === "SIGTERM") this.ending = signal;
		// Its end was not a clean one: what it was handed may come again.
		if (signal === "SIGKILL") this.events.push({ kind: "ended", at: Date.now(), member: this.name, how: "killed" });
		this.body.signal(signal);
	}

	/** From now on its work counts as that of a dead process: what it was handed may come again. */
	abandoned(at: number): void {
		this.events.push({ kind: "ended", at, member: this.name, how: "killed", reason: "stopped for longer than its session" });
	}

	async kill(): Promise<void> {
		this.signal("SIGKILL");
		await this.body.gone;
	}

	/** All that had reached the process by now is told: it has had its turn since, also where it waits long for a processor. */
	async caughtUp(): Promise<void> {
		const since = Date.now();
		await until(
			() => this.ended !== undefined || this.notes("rss", since).length > 1,
			() => `${this.name} has had its turn: ${this.tail()}`,
		);
	}

	tell(command: Command): void {
		this.body.take(command);
	}

	async close(deadlineMs = 10_000): Promise<void> {
		if (this.ended || this.ending) return;
		this.ending = "close";
		this.tell({ do: "close", deadlineMs });
		await until(
			// It is asked all the time, since it ends.
			() => this.body.waited() >= 0 && this.ended !== undefined,
			() => `${this.name} closed: ${this.tail()}`,
			deadlineMs + 30_000,
		);
	}

	owned(): string[] {
		return [...this.#holdings().values()].flatMap((owned) => [...owned]).sort();
	}

	/** How many partitions each member of a crowd owns. */
	shares(): number[] {
		const holdings = this.#holdings();
		return this.notes("joined").map(({ member }) => holdings.get(member)?.size ?? 0);
	}

	#holdings(): Map<string, Set<string>> {
		const holdings = new Map<string, Set<string>>();
		for (const event of this.events) {
			if (event.kind !== "assigned" && event.kind !== "revoked" && event.kind !== "lost") continue;
			const owned = holdings.get(event.member) ?? new Set();
			holdings.set(event.member, owned);
			for (const partition of event.partitions) {
				if (event.kind === "assigned") owned.add(partition);
				else owned.delete(partition);
			}
		}
		return holdings;
	}

	notes(what: string, since = 0): Note[] {
		return this.events.filter((event): event is Note => event.kind === "note" && event.what === what && event.at >= since);
	}

	started(since = 0): Started[] {
		return this.events.filter((event): event is Started => event.kind === "started" && event.at >= since);
	}

	/** Handlers that were called and are not done. */
	inHand(): Started[] {
		const place = (event: { partition: string; offset: bigint; fence: bigint }) => `${event.partition}@${event.offset}#${event.fence}`;
		const done = new Set(this.events.flatMap((event) => (event.kind === "finished" ? [place(event)] : [])));
		return this.started().filter((event) => !done.has(place(event)));
	}

	/** What it committed last, by partition. */
	committed(): Map<string, bigint> {
		return new Map(this.events.flatMap((event) => (event.kind === "committed" ? [[event.partition, event.offset] as const] : [])));
	}

	/** How many of its sends were settled as ok, failed and unknown. */
	receipts(since = 0): { ok: number; failed: number; unknown: number } {
		const counts = { ok: 0, failed: 0, unknown: 0 };
		for (const event of this.events) if (event.kind === "sent" && event.at >= since) counts[event.status]++;
		return counts;
	}

	/** The last it told, in short. */
	tail(): string {
		return this.events
			.slice(-5)
			.map((event) => `${event.kind}${event.kind === "note" ? ` ${event.what} ${event.detail ?? ""}` : ""}`)
			.join("; ");
	}
}
